"""
Notices on their way to people's mailboxes, each once.

A worker takes one (waiting -> sending) and commits; sends it; and marks it as sent. Whoever dies
between the last two leaves it as being sent, and nobody knows whether it was: it is never sent
again by itself. A refusal is known, so that is tried again.
"""

import smtplib
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from accounts import mail
from accounts.models import Notice, User

MOST = 500  # Mails of one run,
LONGEST_S = 45  # and how long it goes on taking them: the next run comes within the minute.
# How long after each refusal it is tried again; after the last it is given up.
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]
# A mail takes seconds. Who has been at it for longer is dead.
DEAD_AFTER = timedelta(minutes=15)
_BATCH = 500
_Mail = Notice.Mail
_PREFERENCES = {Notice.Kind.RECEIVED: "mail_received", Notice.Kind.ADDED: "mail_added"}
# The server said no. Whatever else goes wrong on the way, it may have taken the mail.
_REFUSALS = (
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
)
_log = structlog.get_logger("nexapay.mail")


def mail_notices(*, now: datetime, limit: int = MOST) -> int:
    """
    Mail what is due, limit at the most, the longest due first; return how many were sent.

    Where no mail is set up, whatever waits is laid aside.
    """
    if not settings.SENDS_MAIL:
        _lay_all_aside()
        return 0
    if not _due(now).exists():
        return 0
    mailer = get_connection()
    try:
        return sum(became == _Mail.SENT for became in _mailed(mailer, now, limit))
    finally:
        mailer.close()


def _mailed(mailer: BaseEmailBackend, now: datetime, limit: int) -> Iterator[Notice.Mail]:
    """Send one after the other, while there is time, and yield what became of each."""
    until = monotonic() + LONGEST_S
    for _ in range(limit):
        # Opened before anything is taken: while the server is away, all of it waits.
        if monotonic() > until or not _is_open(mailer) or (notice := _take(now)) is None:
            return
        became = _send(mailer, notice, now)
        yield became
        if became == _Mail.SENDING:
            return


def send_again(*, notice_ids: Collection[int], now: datetime) -> int:
    """Let mails that were given up, or whose worker died, wait again; return how many."""
    return dead(now).filter(pk__in=notice_ids).update(mail_status=_Mail.WAITING, mail_at=now)


def dead(now: datetime) -> QuerySet[Notice]:
    """Return those whose mail nobody will send by itself."""
    died = Q(mail_status=_Mail.SENDING, mail_at__lte=now - DEAD_AFTER)
    return Notice.objects.filter(Q(mail_status=_Mail.FAILED) | died, mail_at__isnull=False)


def dead_by_status(now: datetime) -> list[tuple[str, int]]:
    """Return how many of them there are of each status."""
    rows = dead(now).order_by("mail_status").values_list("mail_status")
    return list(rows.annotate(Count("pk")))


def _due(now: datetime) -> QuerySet[Notice]:
    return Notice.objects.filter(mail_status=_Mail.WAITING, mail_at__lte=now).order_by("mail_at")


def _lay_all_aside() -> None:
    """Forget the mails of notices that wait, a batch at a time."""
    waiting = Notice.objects.filter(mail_status=_Mail.WAITING, mail_at__isnull=False)
    while ids := list(waiting.values_list("pk", flat=True)[:_BATCH]):
        waiting.filter(pk__in=ids).update(mail_status=_Mail.NONE, mail_at=None)


def _is_open(mailer: BaseEmailBackend) -> bool:
    """Connect, unless it is; say whether somebody answers."""
    try:
        if mailer.open() is False and not _still_answers(mailer):
            mailer.close()
            mailer.open()
    except OSError as error:  # smtplib's own errors are OSErrors, too.
        _log.warning("mail server does not answer", error=type(error).__name__)
        return False
    return True


def _still_answers(mailer: BaseEmailBackend) -> bool:
    """
    Ask the server of an open connection for nothing.

    It may have hung up since the last mail. Who finds that out by sending cannot tell whether the
    mail was taken.
    """
    server: smtplib.SMTP = getattr(mailer, "connection")  # noqa: B009  (SMTP's alone has one.)
    try:
        code, _ = server.noop()
    except OSError:
        return False
    return code == 250


def _take(now: datetime) -> Notice | None:
    """Take what is due first, for us alone; lay aside on the way what is not wanted any more."""
    while True:
        with transaction.atomic(durable=True):
            due = _due(now).select_for_update(skip_locked=True, no_key=True, of=("self",))
            notice = due.select_related("user").first()
            if notice is None:
                return None
            if _is_wanted(notice):
                _mark(notice, _Mail.SENDING, mail_at=now, mail_attempts=F("mail_attempts") + 1)
                break
            _mark(notice, _Mail.NONE)
    notice.mail_attempts += 1
    return notice


def _is_wanted(notice: Notice) -> bool:
    person: User = notice.user
    preference = _PREFERENCES.get(Notice.Kind(notice.kind), "mail_other")
    return bool(person.is_active and person.email and getattr(person, preference))


def _send(mailer: BaseEmailBackend, notice: Notice, now: datetime) -> Notice.Mail:
    """Send it, note what came of that, and return it."""
    try:
        mailer.send_messages([mail.compose(notice)])
    except _REFUSALS as refusal:
        mailer.close()  # Of some refusals the server hangs up.
        return _refused(notice, refusal, now)
    except OSError as error:
        _log.error("mail may have been sent", notice=notice.pk, error=type(error).__name__)
        _mark(notice, _Mail.SENDING, mail_at=now, mail_error=type(error).__name__)
        return _Mail.SENDING
    _mark(notice, _Mail.SENT, mailed_at=now, mail_error="")
    return _Mail.SENT


def _refused(notice: Notice, refusal: Exception, now: datetime) -> Notice.Mail:
    # The server's words may name the person; its code does not.
    error = f"{type(refusal).__name__} {getattr(refusal, 'smtp_code', '')}".strip()
    _log.warning("mail refused", notice=notice.pk, error=error, attempt=notice.mail_attempts)
    if notice.mail_attempts > len(WAITS):
        _mark(notice, _Mail.FAILED, mail_at=now, mail_error=error)
        return _Mail.FAILED
    again_at = now + WAITS[notice.mail_attempts - 1]
    _mark(notice, _Mail.WAITING, mail_at=again_at, mail_error=error)
    return _Mail.WAITING


def _mark(notice: Notice, status: Notice.Mail, **changes: Any) -> None:
    changed = {"mail_at": None, **changes, "mail_status": status}
    Notice.objects.filter(pk=notice.pk).update(**changed)
