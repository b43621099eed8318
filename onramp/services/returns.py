"""
Asking about what was paid out already: the receiving bank may send it back, days later.

The news of that may be lost like any other. A return that is found by asking is recorded as if we
had been told, so its webhook, whenever it comes, is a copy.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import F, Q

from nexapay.kernel.db import Busy
from onramp.banks import Bank, BankUnreachable, PayoutReport, PayoutState
from onramp.models import OffRampTransaction, PayoutQuestion
from onramp.services.patience import Patience
from onramp.services.payouts import record_report
from onramp.services.questions import claim, note

_MOST = 1_000  # Questions of one run.
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(days=1)
_log = structlog.get_logger("nexapay.returns")


def ask_about_returns(*, bank: Bank, now: datetime) -> int:
    """
    Ask the bank about withdrawals that it paid in the last PAYOUT_RETURN_DAYS; return how many.

    Each is asked about an hour after it was paid, later each time, and at least once a day. A bank
    that is away is left alone until the next run.
    """
    patience, asked = Patience(), 0
    for offramp in _due(now):
        if patience.is_over:
            break
        next_at = now + _wait(offramp, now)
        if claim(PayoutQuestion, offramp_id=offramp.pk, next_at=next_at, now=now):
            asked += 1
            answer = _ask(bank, offramp, patience, now)
            note(PayoutQuestion, offramp_id=offramp.pk, answer=answer)
    return asked


def _due(now: datetime) -> list[OffRampTransaction]:
    """Return those to ask about: first who never was asked about, then who waits longest."""
    since = now - timedelta(days=settings.PAYOUT_RETURN_DAYS)
    paid = OffRampTransaction.objects.paid_between(since, now - _SHORTEST)
    due = paid.filter(Q(question__isnull=True) | Q(question__next_at__lte=now))
    return list(due.order_by(F("question__next_at").asc(nulls_first=True), "settled_at")[:_MOST])


def _wait(offramp: OffRampTransaction, now: datetime) -> timedelta:
    """Return how long to wait for the next time: as long again as it is since it was paid."""
    age = now - offramp.settled_at if offramp.settled_at else _LONGEST
    return min(max(age, _SHORTEST), _LONGEST)


def _ask(bank: Bank, offramp: OffRampTransaction, patience: Patience, now: datetime) -> str:
    """Ask, and do what follows; return the bank's answer, empty for none."""
    try:
        report = bank.query_payout(token=offramp.token)
        if _is_news(offramp, report):
            record_report(bank=bank.name, offramp=offramp, report=report, now=now)
    except BankUnreachable as error:
        _log.warning("no answer", offramp=str(offramp.public_id), why=str(error))
        patience.missed(error)
        return ""
    except Busy:
        return PayoutState.SUCCEEDED  # Somebody brings it back at this moment.
    patience.heard()
    if report.state == PayoutState.UNKNOWN:
        # It is never sent again: the bank said once that it has paid.
        _log.error("paid, and now unknown to the bank", offramp=str(offramp.public_id))
    return report.state


def _is_news(offramp: OffRampTransaction, report: PayoutReport) -> bool:
    """Say whether it is anything but what we know: that it was paid, as we know it."""
    known = PayoutReport(
        state=PayoutState.SUCCEEDED,
        amount_minor=offramp.amount_minor,
        currency=offramp.currency,
        bank_reference=offramp.bank_reference,
        reason=report.reason,
    )
    return report != known
