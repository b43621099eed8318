"""
The queued inbox: webhooks are stored as they arrive and answered at once; the worker applies them.

Storing takes no lock but its own row's, so a spike costs the bank no waiting. They are applied in
the order they came, a batch in one transaction, by one worker at a time: an event is judged if and
only if its effect is there, so a worker that dies anywhere loses and doubles nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from itertools import takewhile
from typing import Any, NamedTuple

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F
from procrastinate.contrib.django import app

from nexapay.kernel import db
from nexapay.kernel.arrays import columns
from nexapay.kernel.gathering import Gathering
from nexapay.kernel.prepared import Call, Prepared, at_commit, together
from onramp import banks, sql
from onramp.messages import Message, Passing, PayoutMessage
from onramp.models import BankEvent
from onramp.services.inbox import MAX_BATCH, TAKEN_MEANWHILE, record_bank_event
from onramp.services.judging import Answer, Delivery, Verdict, outcome
from onramp.services.payouts import settle_payout
from onramp.services.settling import open_desk, settle

APPLY = "onramp.apply"
_TRIES = 10
_TOOK_TOO_LONG = "57014"  # A batch may, where one alone does not.
_QUEUED = Answer(status=202, body={"status": "queued"})
_STORE, _WAITING, _JUDGE = Prepared(sql.STORE), Prepared(sql.WAITING), Prepared(sql.JUDGE)
_ALONE = Prepared("SELECT pg_advisory_xact_lock(hashtext('onramp.apply'))")
_CALLED = Prepared(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs"
    " WHERE task_name = %s AND status = 'todo' AND scheduled_at IS NULL)"
)
_log = structlog.get_logger("nexapay.inbox")


def receive_bank_event(
    *, bank: str, event_id: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> Answer:
    """
    Store a verified event to be applied by the worker, and answer 202.

    A copy, another body under the same id, and what ends nothing are answered as record_bank_event
    does.

    :raises Malformed: if the body is not a message we know; nothing is stored.
    :raises Busy: if rows were locked for too long; nothing is stored. It may be sent again.
    """
    is_passing = isinstance(banks.read_webhook(bank, body), Passing)
    if not is_passing and _door(bank).ask((Delivery(event_id, body, headers), now)):
        return _QUEUED
    return record_bank_event(bank=bank, event_id=event_id, body=body, headers=headers, now=now)


@cache
def _door(bank: str) -> "Gathering[tuple[Delivery, datetime], bool]":
    return Gathering(lambda asked: db.retrying(lambda: _store(bank, asked)), most=MAX_BATCH)


def _store(bank: str, asked: Sequence[tuple[Delivery, datetime]]) -> list[bool]:
    """Store those that nobody has stored; return for each whether it was."""
    rows = sorted(_columns(bank, delivery, now) for delivery, now in asked)
    with transaction.atomic(durable=True):
        stored = set(_STORE.rows(*columns(rows, 6)))
        if stored:
            _call_the_worker()
    return [_take(stored, delivery) for delivery, _ in asked]


def _columns(bank: str, delivery: Delivery, now: datetime) -> tuple[Any, ...]:
    """Return the columns of sql.STORE."""
    event_id, body, headers = delivery
    return bank, event_id, body, sha256(body).digest(), json.dumps(dict(headers)), now


def _take(stored: set[Any], delivery: Delivery) -> bool:
    """Say whether this is the one that was stored: of two copies only one is."""
    key = (delivery.event_id, sha256(delivery.body).digest())
    is_stored = key in stored
    stored.discard(key)
    return is_stored


def _call_the_worker() -> None:
    """Leave a job for it, in this transaction, unless one waits."""
    if _is_called():
        # That one may begin before we commit, and then see nothing of ours.
        transaction.on_commit(lambda: None if _is_called() else _leave_a_job())
    else:
        _leave_a_job()


def _is_called() -> bool:
    [(called,)] = _CALLED.rows(APPLY)
    return bool(called)


def _leave_a_job() -> None:
    # The lock makes a second one wait for the first instead of running beside it.
    app.configure_task(APPLY, lock=APPLY).defer()


def apply_waiting_events(*, clock: Callable[[], datetime]) -> int:
    """
    Apply every event that waits; return how many.

    What cannot be applied, for a reason that is no passing one, is tried five times and then left
    to staff; it holds nobody else up.

    :raises Busy: if rows were locked for too long. What was applied stays so.
    """
    total = 0
    while applied := _apply_some(clock()):
        total += applied
    return total


def _apply_some(now: datetime) -> int:
    try:
        return _retrying(MAX_BATCH, now)
    except Exception as error:
        if _is_passing(error):
            raise
    return _apply_the_first(now)


def _apply_the_first(now: datetime) -> int:
    """Find out which one cannot be applied by going one by one."""
    rows = _WAITING.rows(1)
    try:
        return _retrying(1, now)
    except Exception as error:
        if _is_passing(error) or not rows:
            raise
        [(pk, *_)] = rows
        _log.error("cannot be applied", row=pk, error=type(error).__name__)
        waiting = BankEvent.objects.filter(pk=pk, status=BankEvent.Status.RECEIVED)
        return waiting.update(attempts=F("attempts") + 1)


def _is_passing(error: Exception) -> bool:
    """Say whether it is no event's fault: the database is busy, or away. The job is retried."""
    if isinstance(error, OperationalError):
        return db.sqlstate(error) != _TOOK_TOO_LONG
    return isinstance(error, (db.Busy, InterfaceError))


def _retrying(most: int, now: datetime) -> int:
    for _ in range(_TRIES):
        try:
            return db.retrying(lambda: _apply(most, now))
        except IntegrityError as error:
            if db.constraint(error) not in TAKEN_MEANWHILE:
                raise
    raise db.Busy("The inbox is busy.")


class _Waiting(NamedTuple):
    """An event as it lies in the inbox, and what it says."""

    pk: int
    bank: str
    delivery: Delivery
    said: Message | PayoutMessage | Passing


def _apply(most: int, now: datetime) -> int:
    """Apply the events that came first, of one bank and one kind; withdrawals come singly."""
    with transaction.atomic(durable=True):
        _, rows = together((_ALONE, ()), (_WAITING, (most,)))
        waiting = [_read(*row) for row in rows]
        if not waiting:
            return 0
        first = waiting[0]
        if isinstance(first.said, Message):
            waiting = [*takewhile(lambda each: _is_like(each, first), waiting)]
            calls = _settle_onramps(waiting, now)
        else:
            waiting, calls = waiting[:1], _settle_alone(first, first.said, now)
        at_commit(*calls)
    return len(waiting)


def _read(pk: int, bank: str, event_id: str, body: bytes) -> _Waiting:
    return _Waiting(pk, bank, Delivery(event_id, body, {}), banks.read_webhook(bank, body))


def _is_like(one: _Waiting, other: _Waiting) -> bool:
    return one.bank == other.bank and type(one.said) is type(other.said)


def _settle_alone(event: _Waiting, said: PayoutMessage | Passing, now: datetime) -> list[Call]:
    if isinstance(said, Passing):  # One that another release took for more.
        verdict, offramp_id = Verdict.SETTLES_NOTHING, None
    else:
        verdict, offramp_id = settle_payout(said=said, now=now)
    return _judge([(event.pk, outcome(verdict).value, verdict.value, None, offramp_id, now)])


def _settle_onramps(events: Sequence[_Waiting], now: datetime) -> list[Call]:
    heard = [(each.delivery, each.said) for each in events if isinstance(each.said, Message)]
    desk = open_desk(events[0].bank, heard)
    ruled = [desk.rule(said) for _, said in heard]
    judged = [
        (event.pk, outcome(verdict).value, verdict.value, onramp_id, None, now)
        for event, (verdict, onramp_id) in zip(events, ruled, strict=True)
    ]
    return [*settle(desk.settled, now), *_judge(judged)]


def _judge(rows: Sequence[tuple[object, ...]]) -> list[Call]:
    return [(_JUDGE, tuple(columns(rows, 6)))]
