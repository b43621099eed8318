"""
Draining the queued inbox: what waits is applied in the order it came, a batch in one transaction.

One worker at a time: two would wait for each other's on-ramps, and overtake each other's events. An
event is judged if and only if its effect is there, so a worker that dies anywhere loses and doubles
nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from nexapay.kernel import db
from nexapay.kernel.arrays import columns
from nexapay.kernel.prepared import Call, Prepared, at_commit, together
from onramp import banks, sql
from onramp.messages import Message, Passing, PayoutMessage
from onramp.models import BankEvent
from onramp.services.judging import Delivery, Verdict, outcome
from onramp.services.payouts import settle_payout
from onramp.services.settling import open_desk, settle
from onramp.services.taken import boldly_then_warily
from onramp.services.waiting import look_again_soon

# Whoever pays meanwhile waits for the batch's locks, and a thousand at once are hardly faster.
_BATCH = 250
_MOST_WAITS = 5  # For so many locks a run waits in vain, two seconds each; then its job is retried.
_TOOK_TOO_LONG = "57014"  # A batch may, where one alone does not.
_WAITING, _ANY_WAITS, _JUDGE = map(Prepared, (sql.WAITING, sql.ANY_WAITS, sql.JUDGE))
_ALONE = Prepared("SELECT pg_try_advisory_xact_lock(hashtext('onramp.apply'))")
_log = structlog.get_logger("nexapay.inbox")


class _Waiting(NamedTuple):
    """An event as it lies in the inbox, and what it says."""

    pk: int
    bank: str
    delivery: Delivery
    said: Message | PayoutMessage | Passing


@dataclass
class _Aside:
    """Events that this run leaves for the next, because somebody holds rows that they need."""

    pks: list[int] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    waits: int = 0

    def put(self, event: _Waiting) -> None:
        self.waits += 1
        self.pks.append(event.pk)
        self.tokens.add(_token(event))

    def others(self, events: Sequence[_Waiting]) -> list[_Waiting]:
        """Return the others; later words on what a put-aside event speaks of stay behind it."""
        if not self.tokens:
            return list(events)
        self.pks += [event.pk for event in events if _token(event) in self.tokens]
        return [event for event in events if _token(event) not in self.tokens]


def _token(event: _Waiting) -> str:
    """Return which on-ramp or withdrawal it speaks of; one that ends nothing is of its own."""
    return f"event {event.pk}" if isinstance(event.said, Passing) else event.said.token


def apply_waiting_events(*, clock: Callable[[], datetime]) -> int:
    """
    Apply every event that waits; return how many.

    While somebody else is at it, it is left to them, and a job looks again in a moment. What cannot
    be applied, for a reason that is no passing one, is tried five times and then left to staff; it
    holds nobody else up, and neither does what needs rows that somebody holds.

    :raises Busy: if some could not be applied because rows were locked for too long. All others
        are, up to a few of these.
    """
    total, aside = 0, _Aside()
    # Looked at without the lock: who found it taken meanwhile relies on that.
    while _does_any_wait(aside) and aside.waits < _MOST_WAITS:
        applied = _apply_some(aside, clock())
        if applied is None:
            look_again_soon()
            return total
        total += applied
    if aside.pks:
        raise db.Busy(f"{len(aside.pks)} events need rows that are locked.")
    return total


def _does_any_wait(aside: _Aside) -> bool:
    [(waits,)] = _ANY_WAITS.rows(aside.pks)
    return bool(waits)


def _apply_some(aside: _Aside, now: datetime) -> int | None:
    """Apply a batch, or as many of it as can be; return how many, None if somebody else does."""
    try:
        return _retrying(_BATCH, aside, now)
    except Exception as error:
        if _is_away(error):
            raise
    return _apply_one_by_one(aside, now)


def _apply_one_by_one(aside: _Aside, now: datetime) -> int:
    """Find out which one cannot be applied, and apply those before it; return how many."""
    applied = 0
    while applied < _BATCH and (rows := _WAITING.rows(aside.pks, 1)):
        try:
            one = _retrying(1, aside, now)
        except Exception as error:
            if _is_away(error):
                raise
            _blame(rows[0], error, aside)
            break
        if not one:
            break
        applied += one
    return applied


def _blame(row: tuple[Any, ...], error: Exception, aside: _Aside) -> None:
    pk = row[0]
    if isinstance(error, db.Busy):
        aside.put(_read(*row))
        _log.warning("needs rows that are locked", row=pk)
        return
    _log.error("cannot be applied", row=pk, error=type(error).__name__)
    waiting = BankEvent.objects.filter(pk=pk, status=BankEvent.Status.RECEIVED)
    waiting.update(attempts=F("attempts") + 1)


def _is_away(error: Exception) -> bool:
    """Say whether it is no event's fault: the database is away. The job is retried."""
    if isinstance(error, OperationalError):
        return db.sqlstate(error) != _TOOK_TOO_LONG
    return isinstance(error, InterfaceError)


def _retrying(most: int, aside: _Aside, now: datetime) -> int | None:
    return boldly_then_warily(partial(_apply, most, aside, now))


def _apply(most: int, aside: _Aside, now: datetime, *, warily: bool) -> int | None:
    """Apply the events that came first, of one bank and one kind; withdrawals come singly."""
    with transaction.atomic(durable=True):
        [(is_ours,)], rows = together((_ALONE, ()), (_WAITING, (aside.pks, most)))
        if not is_ours:
            return None
        waiting = aside.others([_read(*row) for row in rows])
        if not waiting:
            return 0
        first = waiting[0]
        if isinstance(first.said, Message):
            waiting = [*takewhile(lambda each: _is_like(each, first), waiting)]
            calls = _settle_onramps(waiting, now, warily=warily)
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


def _settle_onramps(events: Sequence[_Waiting], now: datetime, *, warily: bool) -> list[Call]:
    heard = [(each.delivery, each.said) for each in events if isinstance(each.said, Message)]
    desk = open_desk(events[0].bank, heard, warily=warily)
    ruled = [desk.rule(said) for _, said in heard]
    judged = [
        (event.pk, outcome(verdict).value, verdict.value, onramp_id, None, now)
        for event, (verdict, onramp_id) in zip(events, ruled, strict=True)
    ]
    return [*settle(desk.settled, now, warily=warily), *_judge(judged)]


def _judge(rows: Sequence[tuple[object, ...]]) -> list[Call]:
    ids, *others = columns(rows, 6)
    return [(_JUDGE, (ids, *others, ids))]
