"""Notices that are mailed, for tests: people who are paid, runs of the worker, and what became."""

from datetime import datetime, timedelta

from django.utils import timezone

from accounts import mailing
from accounts.models import Notice
from tests.factories import make_wallet, send
from tests.wallet.pages import owner
from wallet.models import Wallet

SENT, WAITING, SENDING, FAILED = "sent", "waiting", "sending", "failed"


def make_meera() -> Wallet:
    """Make somebody who has an address."""
    return make_wallet(name="Meera Iyer", email="meera@example.com")


def pay(person: Wallet, times: int = 1) -> list[Notice]:
    """Have the person paid; return the notices."""
    ana = make_wallet(name="Ananya Rao", balance_minor=124_000 * times)
    for _ in range(times):
        send(ana, person, 124_000)
    return list(Notice.objects.filter(user=owner(person)).order_by("pk"))


def run(after: timedelta = timedelta()) -> int:
    """Mail what is due by then; return how many were sent."""
    return mailing.mail_notices(now=timezone.now() + after)


def statuses() -> list[str]:
    """Return how each notice's mail stands that anybody has wanted, in order."""
    waited = Notice.objects.exclude(mail_status="none").order_by("pk")
    return list(waited.values_list("mail_status", flat=True))


def due(notice: Notice) -> datetime:
    """Return when its mail is due."""
    notice.refresh_from_db()
    assert notice.mail_at is not None
    return notice.mail_at


def become(notice: Notice, *statuses: str, at: datetime) -> None:
    """Have its mail go through these."""
    for status in statuses:
        Notice.objects.filter(pk=notice.pk).update(mail_status=status, mail_at=at)
