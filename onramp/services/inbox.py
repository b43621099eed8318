"""
Hearing from a bank: one event, or a thousand in one transaction, with the same rules and answers.

The order is fixed: the on-ramps' rows are locked, in their order; under that lock it is read what
else is known; the events are judged in the order they came (judging.py); all credits are posted,
and the events kept with their verdicts, together with COMMIT. What PostgreSQL refuses then, such as
an event or a reference that somebody else took, makes the whole transaction start again and look.
However many copies arrive, in whatever order: one credit.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

from django.db import transaction

from nexapay.kernel import db
from nexapay.kernel.arrays import columns
from nexapay.kernel.prepared import Call, Prepared, at_commit, together
from nexapay.kernel.wire import Rows
from onramp import banks, sql
from onramp.messages import Malformed, Message, Passing, PayoutMessage
from onramp.services.judging import Answer, Delivery, Ruling, outcome
from onramp.services.passing import record_passing
from onramp.services.payouts import record_payout
from onramp.services.settling import Heard, open_desk, settle
from onramp.services.taken import boldly_then_warily

Busy = db.Busy
MAX_BATCH = 1_000

_KEEP = Prepared(sql.KEEP)


def record_bank_event(
    *, bank: str, event_id: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> Answer:
    """
    Keep a verified event, do what it says once, and return the answer that docs/interface.md names.

    It is one whole transaction: the event is stored if and only if its effect is.

    :raises Malformed: if the body is not a message we know; nothing is stored.
    :raises Busy: if rows were locked for too long; nothing is stored. It may be sent again.
    """
    said, delivery = banks.read_webhook(bank, body), Delivery(event_id, body, headers)
    if isinstance(said, Message):
        return _record_all(bank, [(delivery, said)], now)[0]
    return _record_alone(bank, delivery, said, now)


def _record_alone(
    bank: str, delivery: Delivery, said: PayoutMessage | Passing, now: datetime
) -> Answer:
    if isinstance(said, Passing):
        return record_passing(bank=bank, delivery=delivery, now=now)
    return record_payout(bank=bank, delivery=delivery, said=said, now=now)


def record_answer(*, bank: str, delivery: Delivery, said: Message, now: datetime) -> Answer:
    """
    Record what a bank answered when it was asked, as one more event: same rules, one credit.

    :raises Busy: if rows were locked for too long; nothing is stored. It may be asked again.
    """
    return _record_all(bank, [(delivery, said)], now)[0]


def record_bank_events(*, bank: str, deliveries: Sequence[Delivery], now: datetime) -> list[Answer]:
    """
    Record up to MAX_BATCH verified events; return their answers, in order.

    Those of on-ramps are recorded in one transaction, between any others, which come singly.
    Each is answered and takes effect as if record_bank_event had been called with one after the
    other. A body that is no message we know is answered 400, and stored as little as there.

    :raises ValueError: for more than MAX_BATCH.
    :raises Busy: if rows were locked for too long. What was recorded before stays so; all may be
        sent again.
    """
    if len(deliveries) > MAX_BATCH:
        raise ValueError(f"{len(deliveries)} events in a batch; at most {MAX_BATCH}.")
    read = [_read(bank, delivery) for delivery in deliveries]
    answers: list[Answer] = []
    for kind, run in groupby(zip(deliveries, read, strict=True), key=lambda pair: type(pair[1])):
        answers += _record_run(bank, kind, list(run), now)
    return answers


def _record_run(
    bank: str, kind: type, run: list[tuple[Delivery, Any]], now: datetime
) -> list[Answer]:
    """Record events of one kind, as they stand beside one another."""
    if kind is Answer:
        return [said for _, said in run]
    if kind is Message:
        return _record_all(bank, run, now)
    return [_record_alone(bank, each, said, now) for each, said in run]


def _read(bank: str, delivery: Delivery) -> Message | PayoutMessage | Passing | Answer:
    try:
        return banks.read_webhook(bank, delivery.body)
    except Malformed as error:
        return Answer(status=400, body={"error": "malformed", "detail": str(error)})


def _record_all(bank: str, heard: Heard, now: datetime) -> list[Answer]:
    return boldly_then_warily(partial(_record, bank, heard, now))


def _record(bank: str, heard: Heard, now: datetime, *, warily: bool) -> list[Answer]:
    with transaction.atomic(durable=True):
        desk = open_desk(bank, heard, warily=warily)
        answers = [desk.hear(delivery, said) for delivery, said in heard]
        firsts = [ruling for ruling in desk.rulings if not ruling.beside]
        others = [ruling for ruling in desk.rulings if ruling.beside]
        writing = [*settle(desk.settled, now, warily=warily), *_keep(bank, firsts, now)]
        if others:
            kept = together(*writing) if writing else []
            writing = _keep_beside(bank, others, firsts, kept[-1:], now)
        if writing:
            at_commit(*writing)
    return answers


def _keep_beside(
    bank: str, others: list[Ruling], firsts: list[Ruling], kept: list[Rows], now: datetime
) -> list[Call]:
    """Return what keeps events beside the first ones of their ids, some of which are kept now."""
    pks: dict[str, int] = dict(kept[0]) if firsts else {}
    for ruling in firsts:
        ruling.known.pk = pks[ruling.delivery.event_id]
    return _keep(bank, others, now)


def _keep(bank: str, rulings: list[Ruling], now: datetime) -> list[Call]:
    """
    Return what writes new events, and says the number of each.

    In the order of their ids, so that two batches cannot wait for each other crosswise.
    """
    rulings.sort(key=lambda ruling: (ruling.delivery.event_id, ruling.known.digest))
    if not rulings:
        return []
    return [(_KEEP, (bank, now, *columns([_event(each) for each in rulings], 8)))]


def _event(ruling: Ruling) -> tuple[object, ...]:
    """Return columns of sql.KEEP."""
    known = ruling.known
    return (
        ruling.delivery.event_id,
        ruling.delivery.body,
        known.digest,
        json.dumps(dict(ruling.delivery.headers)),
        ruling.beside.pk if ruling.beside else None,
        known.onramp_id,
        outcome(ruling.verdict).value,
        ruling.verdict.value,
    )
