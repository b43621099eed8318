"""Whom one may find, and by what. Names and handles by their beginning, the rest only whole."""

from collections.abc import Collection
from typing import Any

from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Upper

from accounts import phones
from accounts.models import UNREAD_COUNTED, Notice, User
from nexapay.kernel import text

QUERY_MIN_LENGTH = 2
QUERY_MAX_LENGTH = 254  # an email address; more finds nobody
PEOPLE_MAX = 50


def find_people(
    *, query: str, exclude_id: int, limit: int = 8, prefer: Collection[int] = ()
) -> list[User]:
    """
    Return people whose handle, or a word of whose name, begins with query.

    The exact handle comes first, then those whose ids are in prefer, then by name. A phone or an
    email finds its owner only when it is complete: nobody may feel their way to one. "@kab" looks
    among handles alone. Fewer than two characters find nobody.
    """
    typed = _line(query)
    word = typed.removeprefix("@").lower()
    if len(word) < QUERY_MIN_LENGTH:
        return []
    matches = Q(handle__startswith=word)
    if not typed.startswith("@"):
        matches |= Q(name__istartswith=typed) | Q(name__icontains=f" {typed}") | _whole(typed)
    people = _payable().filter(matches).exclude(pk=exclude_id)
    nearest = Case(
        When(handle=word, then=Value(0)),
        When(pk__in=prefer, then=Value(1)),
        default=Value(2),
    )
    return list(people.order_by(nearest, Upper("name"), "handle")[: min(limit, PEOPLE_MAX)])


def named(*, text: str) -> list[QuerySet[User]]:
    """
    Return whom text may name, the likelier first: whose phone or email it is, whose @handle.

    Each is at most one person; one that is found rules out the next.
    """
    typed = _line(text)
    if typed.startswith("@"):
        return [_payable().filter(handle=typed[1:].lower())]
    return [_payable().filter(_whole(typed)), _payable().filter(handle=typed.lower())]


def unread(*, user_id: int) -> int:
    """Return how many notices a person has not read, as far as the bell counts."""
    found = Notice.objects.filter(user_id=user_id, read_at__isnull=True)
    return found[:UNREAD_COUNTED].count()


def taken_fields(*, exclude_id: int | None = None, **values: str | None) -> list[str]:
    """Return which of phone, email and handle somebody has already. Only an insert is sure."""
    people = User.objects.exclude(pk=exclude_id) if exclude_id else User.objects.all()
    given = {field: value for field, value in values.items() if value}
    return [field for field, value in given.items() if people.filter(**{field: value}).exists()]


def _payable() -> QuerySet[User]:
    """People as others know them. Without phone and email, an account is for staff's work."""
    return User.objects.filter(is_active=True).exclude(phone=None, email=None)


def _whole(typed: str) -> Q:
    try:
        return Q(phone=phones.parse(typed))
    except phones.PhoneError:
        return Q(email=typed.lower())


def _line(typed: Any) -> str:
    """Return what was typed as one line; nothing, if it is not one."""
    try:
        return text.line(str(typed), max_length=QUERY_MAX_LENGTH)
    except text.TextError:
        return ""


def staff() -> QuerySet[User]:
    """Return those who may enter the admin, by name."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("name", "handle")
