"""The desk where a bank's word on on-ramps is judged: opened under their locks, and acted upon."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import CharField

from nexapay.kernel import events
from nexapay.kernel.arrays import columns
from nexapay.kernel.prepared import Call, IsAnyOf, Parameter, Prepared, together
from nexapay.kernel.wire import Rows
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
_CREDIT = wallet_services.credit_statement(sql.CARRIED, sql.SETTLED)


def open_desk(bank: str, heard: Heard, *, warily: bool) -> Desk:
    """
    Lock the on-ramps, then read what else matters: a lock waited for may have changed it.

    Events that are kept already, and references that stand for another payment, are looked for
    warily, and where something is no first word on a payment. Otherwise PostgreSQL refuses those
    when they are written.
    """
    tokens = [said.token for _, said in heard]
    said_references = [said.bank_reference for _, said in heard if said.bank_reference]
    locked, nobodys = together((_ASKED, (tokens,)), (_NOBODYS, (said_references,)))
    desk = Desk({row[2]: Asked(*row) for row in locked}, {}, set(), set())
    if nobodys:
        desk.references |= {*_CORRECTED.rows(said_references)}
    if warily or not all(desk.awaits(said) for _, said in heard):
        known, references = together(
            (_KNOWN, ([delivery.event_id for delivery, _ in heard], bank)),
            (_REFERENCES, (said_references, tokens)),
        )
        desk.references |= {*references}
        _lay_out(desk, known)
    return desk


def _lay_out(desk: Desk, known: Rows) -> None:
    """Put on the desk the events that are kept already."""
    for event_id, beside, digest, verdict, onramp_id, pk in known:
        if beside is None:
            desk.firsts[event_id] = Known(digest, verdict_or_none(verdict), onramp_id, pk)
        else:
            desk.others.add((event_id, digest))


def settle(settled: list[Settled], now: datetime, *, warily: bool) -> list[Call]:
    """Return what credits all that succeeded, and then moves every on-ramp that was settled."""
    if not settled:
        return []
    for asked, said in settled:
        event = OnRampSettled if said.succeeded else OnRampFailed
        events.publish(event(onramp_id=asked.pk))
    if not warily and (calls := _credit_boldly(settled, now)) is not None:
        failed = [each for each in settled if not each.said.succeeded]
        return calls + _settle(failed, now)
    credits = [_credit(asked) for asked, said in settled if said.succeeded]
    wallet_services.credit_all_from_bank(credits=credits, now=now)
    return _settle(settled, now)


def _credit_boldly(settled: list[Settled], now: datetime) -> list[Call] | None:
    """Return what credits all that succeeded and settles it at once, if that can be."""
    paid = [(asked, said) for asked, said in settled if said.succeeded]
    return wallet_services.credits_with_commit(
        credits=[_credit(asked) for asked, _ in paid],
        carried=[(asked.pk, said.bank_reference) for asked, said in paid],
        by=_CREDIT,
        now=now,
    )


def _settle(settled: list[Settled], now: datetime) -> list[Call]:
    """Return what moves on-ramps whose credit, if there is to be one, was posted before."""
    if not settled:
        return []
    ids, *others = columns([_settlement(asked, said) for asked, said in settled], 5)
    return [(_SETTLE, (now, ids, *others, ids))]


def _credit(asked: Asked) -> wallet_services.Credit:
    return wallet_services.Credit(
        bank=banks.name_of(asked.bank),
        wallet_id=asked.wallet_id,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        # An on-ramp is credited once, whatever its status says: a second guard under that.
        idempotency_key=asked.public_id,
    )


def _settlement(asked: Asked, said: Message) -> tuple[object, ...]:
    """Return the columns of sql.SETTLE."""
    if said.succeeded:
        return asked.pk, asked.status, "", said.bank_reference, asked.public_id
    return asked.pk, asked.status, said.reason or _NO_REASON, said.bank_reference, None
