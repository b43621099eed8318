"""
Finding out by asking: what is still processing after a while is looked up at its bank.

What the bank answers is one more event: kept in the inbox, judged and applied by the very path of
a webhook, so that both may come at once. Nothing is guessed: who does not answer is asked later.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import Q

from onramp.banks import Bank, BankUnreachable, PaymentReport, PaymentState
from onramp.messages import Message
from onramp.models import OnRampTransaction, Question
from onramp.services.expiry import expire_onramp
from onramp.services.inbox import Busy, record_answer
from onramp.services.judging import Delivery
from onramp.services.patience import NO_ANSWER, Patience, unanswered_last
from onramp.services.questions import as_event, claim, first_wait, next_wait, note

_MOST = 200  # Questions of one run.
_log = structlog.get_logger("nexapay.asking")


@dataclass(frozen=True, kw_only=True)
class _Due:
    """An on-ramp to ask about, and how often that was done before."""

    pk: int
    public_id: UUID
    token: str
    expires_at: datetime
    asks: int


def ask_about_onramps(*, bank: Bank, now: datetime) -> int:
    """
    Ask the bank about on-ramps that have been processing for BANK_ASK_AFTER_S; return how many.

    The oldest first, and behind them what had no answer the last time. What the bank never saw is
    expired once its time is over; what it decided is recorded as if it had told us. A bank that is
    away is left alone until the next run.
    """
    patience, asked = Patience(), 0
    for due in _due(now):
        if patience.is_over:
            break
        if claim(Question, onramp_id=due.pk, next_at=_next_at(due, now), now=now):
            asked += 1
            _ask(bank, due, patience, now)
    return asked


def _due(now: datetime) -> list[_Due]:
    quiet = OnRampTransaction.objects.quiet_since(now - first_wait())
    quiet = quiet.filter(Q(question__isnull=True) | Q(question__next_at__lte=now))
    rows = quiet.order_by(unanswered_last("question__answer"), "created_at").values_list(
        "pk", "public_id", "token", "expires_at", "question__asks"
    )
    return [
        _Due(pk=pk, public_id=public_id, token=token, expires_at=expires_at, asks=asks or 0)
        for pk, public_id, token, expires_at, asks in rows[:_MOST]
    ]


def _next_at(due: _Due, now: datetime) -> datetime:
    """Return when to ask again: later each time, and once when its time is over."""
    next_at = now + next_wait(due.asks)
    return min(next_at, due.expires_at) if due.expires_at > now else next_at


def _ask(bank: Bank, due: _Due, patience: Patience, now: datetime) -> None:
    """Ask, do what follows, and note whether the bank answered."""
    try:
        report = bank.query_payment(token=due.token)
        _apply(bank.name, due, report, now)
    except BankUnreachable as error:
        _log.warning("no answer", onramp=str(due.public_id), why=str(error))
        patience.missed(error)
        note(Question, onramp_id=due.pk, answer=NO_ANSWER)
        return
    except Busy:
        report = PaymentReport(state=PaymentState.PENDING)  # Somebody settles it at this moment.
    patience.heard()
    note(Question, onramp_id=due.pk, answer=report.state)


def _apply(bank: str, due: _Due, report: PaymentReport, now: datetime) -> None:
    if report.state in (PaymentState.SUCCEEDED, PaymentState.FAILED):
        said = _message(due, report)
        record_answer(bank=bank, delivery=_delivery(said, now), said=said, now=now)
    elif report.state == PaymentState.UNKNOWN:
        expire_onramp(onramp_id=due.pk, now=now)  # If its time is over.


def _message(due: _Due, report: PaymentReport) -> Message:
    """
    Return what a webhook would have said.

    :raises BankUnreachable: if the answer lacks what every webhook has.
    """
    succeeded = report.state == PaymentState.SUCCEEDED
    if report.amount_minor is None or report.currency is None:
        raise BankUnreachable("answered without an amount")
    if succeeded and report.bank_reference is None:
        raise BankUnreachable("answered without a reference")
    return Message(
        succeeded=succeeded,
        token=due.token,
        amount_minor=report.amount_minor,
        currency=report.currency,
        bank_reference=report.bank_reference,
        reason=report.reason,
    )


def _delivery(said: Message, now: datetime) -> Delivery:
    kind = "onramp.success" if said.succeeded else "onramp.failure"
    data = {name: value for name, value in asdict(said).items() if name != "succeeded"}
    return as_event(kind, data, now)
