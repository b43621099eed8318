"""
Sending withdrawals to the bank, and asking about those it left open.

A withdrawal is marked as submitted, and that is committed, before the bank hears of it. So
whatever breaks in between, the bank is asked how it stands: it is never guessed, and never paid
under a second token.
"""

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Q

from nexapay.kernel.db import Busy
from onramp.banks import Bank, BankUnreachable, Payout, PayoutRefused, PayoutState
from onramp.models import OffRampTransaction, PayoutQuestion
from onramp.services.patience import Patience, unanswered_last
from onramp.services.payouts import fail_refused, record_report
from onramp.services.questions import claim, first_wait, next_wait, note
from wallet.models import Wallet

_Status = OffRampTransaction.Status
_MOST = 200  # Withdrawals of one run.
_log = structlog.get_logger("nexapay.paying")


def submit_withdrawals(*, bank: Bank, now: datetime) -> int:
    """
    Send what may no longer be cancelled to the bank; return how many. The oldest first.

    A frozen wallet's waits. A bank that is away is left alone until the next run.
    """
    patience, sent = Patience(), 0
    due = OffRampTransaction.objects.due(now).filter(wallet__status=Wallet.Status.ACTIVE)
    for offramp in due.select_related("account").order_by("submits_at")[:_MOST]:
        if patience.is_over:
            break
        if _submit(offramp, now):
            sent += 1
            _pay(bank, offramp, patience, now)
    return sent


def submit_withdrawal(*, offramp: OffRampTransaction, bank: Bank, now: datetime) -> bool | None:
    """
    Send one withdrawal, with its account, to the bank; return whether the bank answered.

    None: it was not to be sent, or somebody else has sent it.
    """
    return _pay(bank, offramp, Patience(), now) if _submit(offramp, now) else None


def _submit(offramp: OffRampTransaction, now: datetime) -> bool:
    """Mark it and COMMIT; return whether it was still to be submitted, and by nobody else."""
    with transaction.atomic(durable=True):
        still = OffRampTransaction.objects.due(now).filter(pk=offramp.pk)
        return bool(still.update(status=_Status.SUBMITTED, submitted_at=now))


def _pay(bank: Bank, offramp: OffRampTransaction, patience: Patience, now: datetime) -> bool:
    """Have the bank pay, under the one token; return whether it answered."""
    try:
        report = bank.create_payout(_payout(offramp))
        record_report(bank=bank.name, offramp=offramp, report=report, now=now)
    except BankUnreachable as error:
        _log.warning("no answer", offramp=str(offramp.public_id), why=str(error))
        patience.missed(error)
        return False
    except PayoutRefused as refusal:
        reason = str(refusal)[:200] or "refused by the bank"
        fail_refused(offramp_id=offramp.pk, reason=reason, now=now)
    except Busy:
        _log.info("busy", offramp=str(offramp.public_id))  # Somebody settles it at this moment.
    patience.heard()
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
    same token. The oldest first, and behind them what had no answer the last time. A bank that is
    away is left alone until the next run.
    """
    patience, asked = Patience(), 0
    for offramp in _due_for_asking(now):
        if patience.is_over:
            break
        if claim(PayoutQuestion, offramp_id=offramp.pk, next_at=_next_at(offramp, now), now=now):
            asked += 1
            answer = _ask(bank, offramp, patience, now)
            note(PayoutQuestion, offramp_id=offramp.pk, answer=answer)
    return asked


def _due_for_asking(now: datetime) -> list[OffRampTransaction]:
    quiet = OffRampTransaction.objects.quiet_since(now - first_wait())
    quiet = quiet.filter(Q(question__isnull=True) | Q(question__next_at__lte=now))
    first = quiet.order_by(unanswered_last("question__answer"), "submitted_at")
    return list(first.select_related("account", "question")[:_MOST])


def _next_at(offramp: OffRampTransaction, now: datetime) -> datetime:
    """Return when to ask again: later each time."""
    before: PayoutQuestion | None = getattr(offramp, "question", None)
    return now + next_wait(before.asks if before else 0)


def _ask(bank: Bank, offramp: OffRampTransaction, patience: Patience, now: datetime) -> str:
    """Ask, and do what follows; return the bank's answer, empty for none."""
    try:
        report = bank.query_payout(token=offramp.token)
        if report.state == PayoutState.UNKNOWN:
            return report.state if _pay(bank, offramp, patience, now) else ""
        record_report(bank=bank.name, offramp=offramp, report=report, now=now)
    except BankUnreachable as error:
        _log.warning("no answer", offramp=str(offramp.public_id), why=str(error))
        patience.missed(error)
        return ""
    except Busy:
        return PayoutState.PENDING  # Somebody settles it at this moment.
    patience.heard()
    return report.state
