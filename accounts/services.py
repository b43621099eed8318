"""What can be done with an account. Keyword-only, HTTP-free, one act each."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts import handles
from accounts.models import Notice, User
from accounts.notices import name_banks
from nexapay.kernel import db

__all__ = [
    "AlreadyTaken",
    "Busy",
    "change_mail",
    "change_profile",
    "join",
    "let_notices_rest",
    "name_banks",
    "read_notices",
    "taken",
]

Busy = db.Busy
_FIELDS = {
    "accounts_user_phone_key": "phone",
    "accounts_user_email_key": "email",
    "accounts_user_handle_key": "handle",
}
_TAKEN = {
    "phone": "This phone number already has an account. Sign in with it, or use another.",
    "email": "This email address already has an account. Sign in with it, or use another.",
    "handle": "Somebody else has this handle. Try another.",
}


class AlreadyTaken(Exception):
    """Somebody has this already. The message is for people; field is the form field."""

    def __init__(self, field: str) -> None:
        super().__init__(taken(field))
        self.field = field


def taken(field: str) -> str:
    """Return the sentence for a phone, email or handle that somebody else has."""
    return _TAKEN[field]


def join(
    *,
    name: str,
    phone: str | None,
    email: str | None,
    handle: str | None,
    password: str = "",
    password_hash: str | None = None,
) -> User:
    """
    Make a person, with their wallet, in one transaction of its own: both exist or neither.

    phone is in E.164; one of phone and email must be given. Without a handle one is made from
    the name. password_hash, ready-made, is taken instead of hashing password.

    :raises AlreadyTaken: if somebody has that phone, email or handle.
    :raises Busy: if somebody who may get the same one kept us waiting; nothing was made.
    """
    # Hashed before the transaction, which would be held open for as long as it takes.
    hashed = password_hash or make_password(password)
    wanted = [handle] if handle else list(handles.candidates(name))

    def once() -> User:
        user = User(
            name=name,
            phone=phone or None,
            email=email.lower() if email else None,
            password=hashed,
        )
        with transaction.atomic(durable=True):
            _insert(user, wanted)
            if user.email:
                EmailAddress.objects.create(user=user, email=user.email, primary=True)
        return user

    return db.retrying(once)


def _insert(user: User, wanted: Iterable[str]) -> None:
    """Insert with the first handle that is free. Only the insert itself can tell, in a race."""
    refusal = AlreadyTaken("handle")
    for user.handle in wanted:
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            refusal = _refusal(error)
            if refusal.field != "handle":
                raise refusal from error
        else:
            return
    raise refusal


def change_profile(*, user_id: int, name: str, handle: str) -> None:
    """
    Give a person another name or handle.

    :raises AlreadyTaken: if somebody else has that handle.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        user.name, user.handle = name, handle
        try:
            user.save(update_fields=["name", "handle"])
        except IntegrityError as error:
            raise _refusal(error) from error


def _refusal(error: IntegrityError) -> AlreadyTaken:
    """Return what a unique key means to people; any other integrity error is our own fault."""
    field = _FIELDS.get(db.constraint(error) or "")
    if field is None:
        raise error
    return AlreadyTaken(field)


def change_mail(*, user_id: int, received: bool, added: bool, other: bool) -> None:
    """Choose which notices come by mail as well: of payments, of money added, of all else."""
    User.objects.filter(pk=user_id).update(
        mail_received=received, mail_added=added, mail_other=other
    )


def read_notices(*, user_id: int, subjects: Collection[UUID], now: datetime) -> int:
    """Mark a person's notices of these subjects as read, or all without any; return how many."""
    unread = Notice.objects.filter(user_id=user_id, read_at__isnull=True)
    if subjects:
        unread = unread.filter(subject__in=subjects)
    return unread.update(read_at=now)


def let_notices_rest(*, user_ids: Collection[int], read_before: datetime, now: datetime) -> None:
    """Take the past for known: nothing that happened up to now is mailed, what is older is read."""
    past = Notice.objects.filter(user_id__in=user_ids, happened_at__lte=now)
    past.filter(happened_at__lt=read_before, read_at__isnull=True).update(read_at=now)
    waiting = past.filter(mail_status=Notice.Mail.WAITING)
    waiting.update(mail_status=Notice.Mail.NONE, mail_at=None)
