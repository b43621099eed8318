"""
Sending withdrawals to the bank, and asking about those it left open.

A withdrawal is marked as submitted, and that is committed, before the bank hears of it. So
whatever breaks in between, the bank is asked how it stands: it is never guessed, and never paid
under a second token.
"""

from datetime import datetime, timedelta
from time import monotonic

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from nexapay.kernel.db import Busy
from onramp.banks import Bank, BankUnreachable, Payout, PayoutRefused, PayoutState
from onramp.models import OffRampTransaction, PayoutQuestion
from onramp.services.payouts import fail_refused, record_report
from onramp.services.questions import claim, note
from wallet.models import Wallet

_Status = OffRampTransaction.Status
_MOST = 200  # Withdrawals of one run,
_LONGEST_S = 45  # and how long it speaks to the bank: the next run comes within the minute.
_LONGEST_WAIT_S = 900
_log = structlog.get_logger("nexapay.paying")


def submit_withdrawals(*, bank: Bank, now: datetime) -> int:
    """
    Send what may no longer be cancelled to the bank; return how many. The oldest first.

    A frozen wallet's waits. A bank that does not answer is left alone until the next run.
    """
    until, sent = monotonic() + _LONGEST_S, 0
    due = OffRampTransaction.objects.due(now).filter(wallet__status=Wallet.Status.ACTIVE)
    for offramp in due.select_related("account").order_by("submits_at")[:_MOST]:
        if monotonic() > until:
            break
        answered = submit_withdrawal(offramp=offramp, bank=bank, now=now)
        sent += answered is not None
        if answered is False:
            break
    return sent


def submit_withdrawal(*, offramp: OffRampTransaction, bank: Bank, now: datetime) -> bool | None:
    """
    Send one withdrawal, with its account, to the bank; return whether the bank answered.

    None: it was not to be sent, or somebody else has sent it.
    """
    return _pay(bank, offramp, now) if _submit(offramp, now) else None


def _submit(offramp: OffRampTransaction, now: datetime) -> bool:
    """Mark it and COMMIT; return whether it was still to be submitted, and by nobody else."""
    with transaction.atomic(durable=True):
        still = OffRampTransaction.objects.due(now).filter(pk=offramp.pk)
        return bool(still.update(status=_Status.SUBMITTED, submitted_at=now))


def _pay(bank: Bank, offramp: OffRampTransaction, now: datetime) -> bool:
    """Have the bank pay, under the one token; return whether it answered."""
    try:
        report = bank.create_payout(_payout(offramp))
        record_report(bank=bank.name, offramp=offramp, report=report, now=now)
    except BankUnreachable as error:
        _log.warning("no answer", offramp=str(offramp.public_id), why=str(error))
        return False
    except PayoutRefused as refusal:
        reason = str(refusal)[:200] or "refused by the bank"
        fail_refused(offramp_id=offramp.pk, reason=reason, now=now)
    except Busy:
        _log.info("busy", offramp=str(offramp.public_id))  # Somebody settles it at this moment.
    return True


def _payout(offramp: OffRampTransaction) -> Payout:
    return Payout(
        token=offramp.token,
        amount_minor=offramp.amount_minor,
        currency=offramp.currency,
        bank=offramp.bank,
        account_holder=offramp.account.holder,
        account_number=offramp.account.number,
        reference=offramp.reference,
    )


def ask_about_withdrawals(*, bank: Bank, now: datetime) -> int:
    """
    Ask the bank about withdrawals submitted BANK_ASK_AFTER_S ago or more; return how many.

    What it decided is recorded as if it had told us; what it never saw is sent again under the
    same token. A bank that does not answer is left alone until the next run.
    """
    until, asked = monotonic() + _LONGEST_S, 0
    for offramp in _due_for_asking(now):
        if monotonic() > until:
            break
        if not claim(offramp_id=offramp.pk, next_at=_next_at(offramp, now), now=now):
            continue
        asked += 1
        answered = _ask(bank, offramp, now)
        note(offramp_id=offramp.pk, answer=answered)
        if not answered:
            break
    return asked


def _due_for_asking(now: datetime) -> list[OffRampTransaction]:
    quiet = OffRampTransaction.objects.quiet_since(now - _patience())
    quiet = quiet.filter(Q(question__isnull=True) | Q(question__next_at__lte=now))
    return list(quiet.select_related("account", "question").order_by("submitted_at")[:_MOST])


def _patience() -> timedelta:
    return timedelta(seconds=settings.BANK_ASK_AFTER_S)


def _next_at(offramp: OffRampTransaction, now: datetime) -> datetime:
    """Return when to ask again: later each time."""
    before: PayoutQuestion | None = getattr(offramp, "question", None)
    wait: timedelta = _patience() * 2 ** min(before.asks if before else 0, 20)
    return now + min(wait, timedelta(seconds=_LONGEST_WAIT_S))


def _ask(bank: Bank, offramp: OffRampTransaction, now: datetime) -> str:
    """Ask, and do what follows; return the bank's answer, empty for none."""
    try:
        report = bank.query_payout(token=offramp.token)
        if report.state == PayoutState.UNKNOWN:
            return report.state if _pay(bank, offramp, now) else ""
        record_report(bank=bank.name, offramp=offramp, report=report, now=now)
    except BankUnreachable as error:
        _log.warning("no answer", offramp=str(offramp.public_id), why=str(error))
        return ""
    except Busy:
        return PayoutState.PENDING  # Somebody settles it at this moment.
    return report.state
