"""
What a bank says of a withdrawal: kept in the inbox, judged, and applied once.

The order is fixed, as for on-ramps: the withdrawal's row is locked, then its wallet's balance. Its
event is stored if and only if its effect is. Webhooks and our own questions come the same way.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from uuid import uuid5

from django.db import transaction
from django.db.models import Case, F, Sum, When

from nexapay.kernel import db, events
from onramp import banks
from onramp.banks import BankUnreachable, PayoutReport, PayoutState
from onramp.events import OffRampFailed, OffRampPaidOut, OffRampReturned
from onramp.messages import PayoutMessage, PayoutSaid
from onramp.models import BankEvent, Correction, OffRampTransaction
from onramp.services.alone import hear
from onramp.services.judging import Answer, Delivery
from onramp.services.questions import as_event
from onramp.services.taken import again_if_taken
from onramp.services.withdrawing import label, locked, release
from wallet import services as wallet_services
from wallet.models import Transfer

_Status = OffRampTransaction.Status
_Verdict = BankEvent.Verdict
_NO_REASON = "no reason given"
_SAID = {
    PayoutState.SUCCEEDED: PayoutSaid.SUCCESS,
    PayoutState.FAILED: PayoutSaid.FAILURE,
    PayoutState.RETURNED: PayoutSaid.RETURNED,
}


def record_payout(*, bank: str, delivery: Delivery, said: PayoutMessage, now: datetime) -> Answer:
    """
    Keep a verified event about a withdrawal, do what it says once, and return its answer.

    :raises Busy: if rows were locked for too long; nothing is stored. It may be sent again.
    """
    return again_if_taken(lambda: _record(bank, delivery, said, now))


def record_report(
    *, bank: str, offramp: OffRampTransaction, report: PayoutReport, now: datetime
) -> None:
    """
    Record what a bank answered about a withdrawal, if it knows its end: as one more event.

    :raises BankUnreachable: if the answer lacks what every webhook has.
    :raises Busy: if rows were locked for too long; nothing is stored. It may be asked again.
    """
    if report.state not in _SAID:
        return
    said = _message(offramp, report)
    record_payout(bank=bank, delivery=_delivery(said, now), said=said, now=now)


def fail_refused(*, offramp_id: int, reason: str, now: datetime) -> None:
    """
    Fail a withdrawal that its bank refused to take, and release its money.

    :raises Busy: if rows were locked for too long; nothing has changed.
    """
    db.retrying(lambda: _fail_refused(offramp_id, reason, now))


def fail_on_other_terms(*, offramp_id: int, reason: str, now: datetime) -> None:
    """Fail one that is with its bank and release its money, in the caller's transaction."""
    offramp = locked(OffRampTransaction.objects.filter(pk=offramp_id)).get()
    if offramp.status == _Status.SUBMITTED:
        _fail(offramp, None, reason, now)


def _fail_refused(offramp_id: int, reason: str, now: datetime) -> None:
    with transaction.atomic(durable=True):
        fail_on_other_terms(offramp_id=offramp_id, reason=reason, now=now)


def _message(offramp: OffRampTransaction, report: PayoutReport) -> PayoutMessage:
    if report.amount_minor is None or report.currency is None:
        raise BankUnreachable("answered without an amount")
    if report.bank_reference is None and report.state != PayoutState.FAILED:
        raise BankUnreachable("answered without a reference")
    return PayoutMessage(
        said=_SAID[report.state],
        token=offramp.token,
        amount_minor=report.amount_minor,
        currency=report.currency,
        bank_reference=report.bank_reference,
        reason=report.reason,
    )


def _delivery(said: PayoutMessage, now: datetime) -> Delivery:
    data = {name: value for name, value in asdict(said).items() if name != "said"}
    return as_event(f"payout.{said.said}", data, now)


def _record(bank: str, delivery: Delivery, said: PayoutMessage, now: datetime) -> Answer:
    with transaction.atomic(durable=True):
        offramp = locked(OffRampTransaction.objects.filter(token=said.token)).first()
        return hear(
            bank=bank,
            delivery=delivery,
            said=said.said,
            offramp=offramp,
            act=lambda: _apply(offramp, said, now),
            now=now,
        )


def settle_payout(*, said: PayoutMessage, now: datetime) -> tuple[BankEvent.Verdict, int | None]:
    """
    Do what an event says that is kept already, inside the caller's transaction.

    Returns its verdict, and the withdrawal it spoke of.
    """
    offramp = locked(OffRampTransaction.objects.filter(token=said.token)).first()
    verdict = _apply(offramp, said, now)
    return verdict, offramp.pk if offramp else None


def _apply(
    offramp: OffRampTransaction | None, said: PayoutMessage, now: datetime
) -> BankEvent.Verdict:
    verdict = _rule(offramp, said)
    if offramp and (act := _ACTS.get(verdict)):
        act(offramp, said, now)
    return verdict


def _rule(offramp: OffRampTransaction | None, said: PayoutMessage) -> BankEvent.Verdict:
    """Say what to make of the message, without doing it."""
    if offramp is None:
        return _Verdict.UNKNOWN_TOKEN
    if (offramp.amount_minor, offramp.currency) != (said.amount_minor, said.currency):
        return _Verdict.TERMS_DIFFER
    verdict = _STEPS.get((offramp.status, said.said), _Verdict.CONTRADICTION)
    if offramp.status == _Status.SUBMITTED and _is_taken(offramp, said):
        return _Verdict.REFERENCE_TAKEN
    if verdict == _Verdict.RETURNED and _was_brought_back(offramp, said):
        # Where the news of the payment was lost, that is what is left to do.
        is_unpaid = offramp.status == _Status.SUBMITTED
        return _Verdict.PAID_OUT if is_unpaid else _Verdict.CONTRADICTION
    if verdict == _Verdict.REPEATED and _differs(offramp, said):
        # It agrees, so it is answered as a copy; but the bank may have paid twice.
        return _Verdict.OTHER_REFERENCE
    return verdict


# What is not here contradicts: a word on what the bank was not asked, or a second end.
_STEPS: dict[tuple[str, PayoutSaid], BankEvent.Verdict] = {
    (_Status.SUBMITTED, PayoutSaid.SUCCESS): _Verdict.PAID_OUT,
    (_Status.SUBMITTED, PayoutSaid.FAILURE): _Verdict.FAILED,
    (_Status.SUBMITTED, PayoutSaid.RETURNED): _Verdict.RETURNED,
    (_Status.SUCCESS, PayoutSaid.SUCCESS): _Verdict.REPEATED,
    (_Status.SUCCESS, PayoutSaid.RETURNED): _Verdict.RETURNED,
    (_Status.RETURNED, PayoutSaid.SUCCESS): _Verdict.REPEATED,
    (_Status.RETURNED, PayoutSaid.RETURNED): _Verdict.REPEATED,
    (_Status.FAILURE, PayoutSaid.FAILURE): _Verdict.REPEATED,
}


def _was_brought_back(offramp: OffRampTransaction, said: PayoutMessage) -> bool:
    """Say whether staff have put it right already: the bank's word would move it twice."""
    approved = Correction.objects.filter(status=Correction.Status.APPROVED)
    # A line of the bank's that named nobody, and what of it staff gave away and did not take back.
    nobodys = approved.filter(
        of__onramp=None,
        of__offramp=None,
        of__bank=offramp.bank,
        of__bank_reference=said.bank_reference,
    )
    amount = Case(When(is_credit=True, then="amount_minor"), default=-F("amount_minor"))
    given_minor: int = nobodys.aggregate(given=Sum(amount, default=0))["given"]
    return given_minor > 0 or approved.filter(of__offramp=offramp).exists()


def _is_taken(offramp: OffRampTransaction, said: PayoutMessage) -> bool:
    others = OffRampTransaction.objects.filter(bank=offramp.bank)
    return (
        said.bank_reference is not None
        and others.filter(bank_reference=said.bank_reference).exists()
    )


def _differs(offramp: OffRampTransaction, said: PayoutMessage) -> bool:
    is_about_paying = said.said == PayoutSaid.SUCCESS
    return is_about_paying and offramp.bank_reference != said.bank_reference


def _pay_out(offramp: OffRampTransaction, said: PayoutMessage, now: datetime) -> None:
    offramp.transfer = wallet_services.capture_hold(
        hold_id=offramp.hold_id,
        bank=banks.name_of(offramp.bank),
        idempotency_key=uuid5(offramp.public_id, "payout"),
        note=label(offramp.account),
        now=now,
    )
    offramp.status, offramp.settled_at = _Status.SUCCESS, now
    offramp.bank_reference = said.bank_reference
    offramp.save(update_fields=["status", "transfer", "bank_reference", "settled_at"])
    events.publish(OffRampPaidOut(offramp_id=offramp.pk))


def _bring_back(offramp: OffRampTransaction, said: PayoutMessage, now: datetime) -> None:
    if offramp.status == _Status.SUBMITTED:
        _pay_out(offramp, said, now)  # The news of the payment was lost on its way.
    offramp.return_transfer = wallet_services.credit_from_bank(
        bank=banks.name_of(offramp.bank),
        wallet_id=offramp.wallet_id,
        amount_minor=offramp.amount_minor,
        currency=offramp.currency,
        idempotency_key=uuid5(offramp.public_id, "return"),
        note=label(offramp.account),
        now=now,
        kind=Transfer.Kind.RETURN,
    )
    offramp.status, offramp.returned_at = _Status.RETURNED, now
    offramp.failure_reason = said.reason or _NO_REASON
    offramp.save(update_fields=["status", "return_transfer", "returned_at", "failure_reason"])
    events.publish(OffRampReturned(offramp_id=offramp.pk))


def _fail_as_said(offramp: OffRampTransaction, said: PayoutMessage, now: datetime) -> None:
    _fail(offramp, said.bank_reference, said.reason or _NO_REASON, now)


def _fail(offramp: OffRampTransaction, reference: str | None, reason: str, now: datetime) -> None:
    release(offramp, now)
    offramp.status, offramp.settled_at = _Status.FAILURE, now
    offramp.bank_reference, offramp.failure_reason = reference, reason
    offramp.save(update_fields=["status", "bank_reference", "failure_reason", "settled_at"])
    events.publish(OffRampFailed(offramp_id=offramp.pk))


_ACTS: dict[BankEvent.Verdict, Callable[[OffRampTransaction, PayoutMessage, datetime], None]] = {
    _Verdict.PAID_OUT: _pay_out,
    _Verdict.RETURNED: _bring_back,
    _Verdict.FAILED: _fail_as_said,
}
