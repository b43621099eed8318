"""The desk where a bank's word on on-ramps is judged: opened under their locks, and acted upon."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from django.db.models import CharField

from nexapay.kernel import events
from nexapay.kernel.arrays import columns
from nexapay.kernel.prepared import Call, IsAnyOf, Parameter, Prepared, together
from onramp import banks, sql
from onramp.events import OnRampFailed, OnRampSettled
from onramp.messages import Message
from onramp.models import BankEvent, Break, Correction, OnRampTransaction
from onramp.services.judging import Asked, Delivery, Desk, Known, Settled, verdict_or_none
from wallet import services as wallet_services

Heard = Sequence[tuple[Delivery, Message]]
_NO_REASON = "no reason given"
_ASKED = Prepared(
    lambda: (
        OnRampTransaction.objects.select_for_update(no_key=True)
        .filter(IsAnyOf("token", "text"))
        .order_by("pk")
        .values_list(
            *("pk", "public_id", "token", "wallet_id", "amount_minor", "currency", "bank"),
            *("status", "bank_reference"),
        )
    )
)
_KNOWN = Prepared(
    lambda: (
        BankEvent.objects.filter(IsAnyOf("event_id", "text"), bank=Parameter(CharField()))
        .values_list(
            *("event_id", "conflicts_with_id", "body_sha256", "verdict", "onramp_id", "pk")
        )
    )
)  # fmt: skip
_REFERENCES = Prepared(
    lambda: OnRampTransaction.objects.filter(
        IsAnyOf("bank_reference", "text"),
        bank__in=OnRampTransaction.objects.filter(IsAnyOf("token", "text")).values("bank"),
    ).values_list("bank", "bank_reference")
)
# Whoever gives such a payment away holds its break: we wait for them, or they for us.
_NOBODYS = Prepared(
    lambda: (
        Break.objects.select_for_update(no_key=True)
        .filter(IsAnyOf("bank_reference", "text"), onramp=None, offramp=None)
        .order_by("pk")
        .values_list("pk")
    )
)
_CORRECTED = Prepared(
    lambda: Break.objects.filter(
        IsAnyOf("bank_reference", "text"),
        onramp=None,
        offramp=None,
        corrections__status=Correction.Status.APPROVED,
    ).values_list("bank", "bank_reference")
)  # Payments that nobody was named for, and that staff gave to somebody.
_SETTLE = Prepared(sql.SETTLE)


def open_desk(bank: str, heard: Heard) -> Desk:
    """Lock the on-ramps, then read what else matters: a lock waited for may have changed it."""
    tokens = [said.token for _, said in heard]
    said_references = [said.bank_reference for _, said in heard if said.bank_reference]
    locked, known, references, _, corrected = together(
        (_ASKED, (tokens,)),
        (_KNOWN, ([delivery.event_id for delivery, _ in heard], bank)),
        (_REFERENCES, (said_references, tokens)),
        (_NOBODYS, (said_references,)),
        (_CORRECTED, (said_references,)),
    )
    desk = Desk({row[2]: Asked(*row) for row in locked}, {}, set(), {*references, *corrected})
    for event_id, beside, digest, verdict, onramp_id, pk in known:
        if beside is None:
            desk.firsts[event_id] = Known(digest, verdict_or_none(verdict), onramp_id, pk)
        else:
            desk.others.add((event_id, digest))
    return desk


def settle(settled: list[Settled], now: datetime) -> list[Call]:
    """Credit what succeeded in one posting; return what moves every on-ramp that was settled."""
    if not settled:
        return []
    transfers = iter(
        wallet_services.credit_all_from_bank(
            credits=[_credit(asked) for asked, said in settled if said.succeeded], now=now
        )
    )
    rows = [
        _settlement(asked, said, next(transfers).pk if said.succeeded else None, now)
        for asked, said in settled
    ]
    for asked, said in settled:
        event = OnRampSettled if said.succeeded else OnRampFailed
        events.publish(event(onramp_id=asked.pk))
    return [(_SETTLE, tuple(columns(rows, 6)))]


def _credit(asked: Asked) -> wallet_services.Credit:
    return wallet_services.Credit(
        bank=banks.name_of(asked.bank),
        wallet_id=asked.wallet_id,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        idempotency_key=_credit_key(asked),
    )


def _credit_key(asked: Asked) -> UUID:
    """Return the idempotency key of an on-ramp's credit: a second guard under its status."""
    return uuid5(asked.public_id, banks.name_of(asked.bank))


def _settlement(
    asked: Asked, said: Message, transfer_id: int | None, now: datetime
) -> tuple[object, ...]:
    """Return the columns of sql.SETTLE."""
    reason = "" if said.succeeded else said.reason or _NO_REASON
    return asked.pk, asked.status, reason, said.bank_reference, transfer_id, now
