"""
Hearing from a bank. One transaction stores the event, judges it, and does what it says.

The order is fixed: the event's row first (its unique key is the barrier against copies), then the
on-ramp's row, then the balance. However many copies arrive, in whatever order: one credit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4, uuid5

from django.db import IntegrityError, transaction

from nexapay.kernel import db, events
from onramp import banks, messages
from onramp.events import OnRampFailed, OnRampSettled
from onramp.messages import Message
from onramp.models import BankEvent, OnRampTransaction
from wallet import services as wallet_services

Busy = db.Busy
_REFERENCE = "onramp_reference_once_per_bank"
_Status = OnRampTransaction.Status
_Verdict = BankEvent.Verdict
_NO_REASON = "no reason given"

_SETTLING = {_Verdict.CREDITED, _Verdict.FAILED}
_AGREEING = {_Verdict.REPEATED, _Verdict.OTHER_REFERENCE}
_REFUSALS = {
    _Verdict.UNKNOWN_TOKEN: (404, "We know no such token."),
    _Verdict.TERMS_DIFFER: (422, "Amount or currency differs from what was asked."),
    _Verdict.REFERENCE_TAKEN: (422, "That bank reference stands for another payment."),
    _Verdict.OTHER_BODY: (422, "That webhook-id came before with another body."),
    _Verdict.CONTRADICTION: (409, "That contradicts how the payment was settled."),
}
_OUTCOMES = {
    _Verdict.CREDITED: BankEvent.Status.PROCESSED,
    _Verdict.FAILED: BankEvent.Status.PROCESSED,
    _Verdict.REPEATED: BankEvent.Status.IGNORED,
}  # All others wait in quarantine for staff.


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the bank is told: an HTTP status and the members of a JSON object."""

    status: int
    body: dict[str, str | bool]


def record_bank_event(
    *, bank: str, event_id: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> Answer:
    """
    Keep a verified event, do what it says once, and return the answer that docs/interface.md names.

    It is one whole transaction: the event is stored if and only if its effect is.

    :raises Malformed: if the body is not a message we know; nothing is stored.
    :raises Busy: if rows were locked for too long; nothing is stored. It may be sent again.
    """
    said = messages.read(body)
    event = BankEvent(
        public_id=uuid4(),
        bank=bank,
        event_id=event_id,
        body=body,
        body_sha256=sha256(body).digest(),
        headers=dict(headers),
        received_at=now,
    )
    try:
        return db.retrying(lambda: _record(event, said))
    except IntegrityError as error:
        # Another on-ramp took the reference between our look and our write. Now we see it there.
        if db.constraint(error) != _REFERENCE:
            raise
    return db.retrying(lambda: _record(event, said))


def _record(event: BankEvent, said: Message) -> Answer:
    with transaction.atomic(durable=True):
        event.pk, event.conflicts_with_id = None, None
        first = _store(event)
        if first.public_id != event.public_id:
            return _repeat(first, event, said)
        event.pk = first.pk
        return _close(event, *_apply(event, said), said)


def _store(event: BankEvent) -> BankEvent:
    """Insert the event, and return the row that stands for it: another one, if it was there."""
    BankEvent.objects.bulk_create([event], ignore_conflicts=True)
    rows = BankEvent.objects.filter(bank=event.bank, event_id=event.event_id)
    if event.conflicts_with_id:
        return rows.get(body_sha256=event.body_sha256)
    return rows.get(conflicts_with=None)


def _repeat(first: BankEvent, event: BankEvent, said: Message) -> Answer:
    if bytes(first.body_sha256) == bytes(event.body_sha256):
        return _answer(_Verdict(first.verdict), said, is_copy=True)
    event.conflicts_with_id = first.pk
    kept = _store(event)
    if kept.public_id != event.public_id:
        return _answer(_Verdict.OTHER_BODY, said, is_copy=True)
    event.pk = kept.pk
    return _close(event, _Verdict.OTHER_BODY, first.onramp_id, said)


def _close(
    event: BankEvent, verdict: BankEvent.Verdict, onramp_id: int | None, said: Message
) -> Answer:
    BankEvent.objects.filter(pk=event.pk).update(
        status=_OUTCOMES.get(verdict, BankEvent.Status.QUARANTINED),
        verdict=verdict,
        onramp_id=onramp_id,
        attempts=1,
        processed_at=event.received_at,
    )
    return _answer(verdict, said, is_copy=False)


def _answer(verdict: BankEvent.Verdict, said: Message, *, is_copy: bool) -> Answer:
    if verdict in _REFUSALS:
        status, text = _REFUSALS[verdict]
        return Answer(status=status, body={"error": verdict.value, "detail": text})
    body: dict[str, str | bool] = {"status": _status_said(said).value}
    if is_copy or verdict in _AGREEING:
        body["duplicate"] = True
    return Answer(status=200, body=body)


def _apply(event: BankEvent, said: Message) -> tuple[BankEvent.Verdict, int | None]:
    """Judge the message under the on-ramp's lock, settle if it is the first word, say which."""
    onramp = (
        OnRampTransaction.objects.select_for_update(no_key=True).filter(token=said.token).first()
    )
    if onramp is None:
        return _Verdict.UNKNOWN_TOKEN, None
    verdict = _judge(onramp, said)
    if verdict is _Verdict.CREDITED:
        _succeed(onramp, said, event.received_at)
    elif verdict is _Verdict.FAILED:
        _fail(onramp, said, event.received_at)
    return verdict, onramp.pk


def _judge(onramp: OnRampTransaction, said: Message) -> BankEvent.Verdict:
    if (onramp.amount_minor, onramp.currency) != (said.amount_minor, said.currency):
        return _Verdict.TERMS_DIFFER
    if onramp.is_processing:
        if _is_taken(onramp, said.bank_reference):
            return _Verdict.REFERENCE_TAKEN
        return _Verdict.CREDITED if said.succeeded else _Verdict.FAILED
    if onramp.status != _status_said(said):
        return _Verdict.CONTRADICTION
    if said.succeeded and onramp.bank_reference != said.bank_reference:
        # It agrees, so it is answered as a copy; but the bank may have taken the money twice.
        return _Verdict.OTHER_REFERENCE
    return _Verdict.REPEATED


def _status_said(said: Message) -> OnRampTransaction.Status:
    return _Status.SUCCESS if said.succeeded else _Status.FAILURE


def _is_taken(onramp: OnRampTransaction, reference: str | None) -> bool:
    return (
        reference is not None
        and OnRampTransaction.objects.filter(bank=onramp.bank, bank_reference=reference).exists()
    )


def _succeed(onramp: OnRampTransaction, said: Message, now: datetime) -> None:
    transfer = wallet_services.credit_from_bank(
        bank=banks.name_of(onramp.bank),
        wallet_id=onramp.wallet_id,
        amount_minor=onramp.amount_minor,
        currency=onramp.currency,
        idempotency_key=_credit_key(onramp),
        note="",
        now=now,
    )
    _settle(onramp, said, now, status=_Status.SUCCESS, transfer_id=transfer.pk)
    events.publish(OnRampSettled(onramp_id=onramp.pk))


def _fail(onramp: OnRampTransaction, said: Message, now: datetime) -> None:
    _settle(onramp, said, now, status=_Status.FAILURE, failure_reason=said.reason or _NO_REASON)
    events.publish(OnRampFailed(onramp_id=onramp.pk))


def _settle(onramp: OnRampTransaction, said: Message, now: datetime, **changes: object) -> None:
    OnRampTransaction.objects.filter(pk=onramp.pk).update(
        bank_reference=said.bank_reference, settled_at=now, **changes
    )


def _credit_key(onramp: OnRampTransaction) -> UUID:
    """Return the idempotency key of an on-ramp's credit: a second guard under its status."""
    return uuid5(onramp.public_id, banks.name_of(onramp.bank))
