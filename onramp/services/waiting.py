"""
The queued inbox: webhooks are stored as they arrive and answered at once; the worker applies them.

Storing takes no lock but its own row's, so a spike costs the bank no waiting. A job is left in the
same transaction; what it does is in draining.py.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import transaction
from procrastinate.contrib.django import app

from nexapay.kernel import db
from nexapay.kernel.arrays import columns
from nexapay.kernel.prepared import Prepared
from onramp import banks, sql
from onramp.messages import Malformed, Passing
from onramp.services.inbox import record_bank_event, record_bank_events
from onramp.services.judging import Answer, Delivery

APPLY = "onramp.apply"
_Asked = tuple[Delivery, str, datetime]  # With the token of the payment that it speaks of.
_QUEUED = Answer(status=202, body={"status": "queued"})
_STORE = Prepared(sql.STORE)
# A job that is about to begin; one that failed and is tried again later is no help to anybody new.
_CALLED = Prepared(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = %s AND status = 'todo'"
    " AND (scheduled_at IS NULL OR scheduled_at <= now() + interval '1 second'))"
)


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
    said, delivery = banks.read_webhook(bank, body), Delivery(event_id, body, headers)
    if not isinstance(said, Passing) and _store(bank, [(delivery, said.token, now)])[0]:
        return _QUEUED
    return record_bank_event(bank=bank, event_id=event_id, body=body, headers=headers, now=now)


def receive_bank_events(
    *, bank: str, deliveries: Sequence[Delivery], now: datetime
) -> list[Answer]:
    """
    Store up to MAX_BATCH verified events in one transaction; return their answers, in order.

    Each is answered as receive_bank_event does; a body that is no message we know, with 400.

    :raises Busy: if rows were locked for too long. All may be sent again.
    """
    tokens = [_token(bank, delivery) for delivery in deliveries]
    asked = [
        (delivery, token, now)
        for delivery, token in zip(deliveries, tokens, strict=True)
        if token is not None
    ]
    stored = iter(_store(bank, asked))
    return [
        _QUEUED
        if token is not None and next(stored)
        else record_bank_events(bank=bank, deliveries=[delivery], now=now)[0]
        for delivery, token in zip(deliveries, tokens, strict=True)
    ]


def _token(bank: str, delivery: Delivery) -> str | None:
    """Return the token of the payment that it speaks of; None for what is not to be stored."""
    try:
        said = banks.read_webhook(bank, delivery.body)
    except Malformed:
        return None
    return None if isinstance(said, Passing) else said.token


@db.retried
def _store(bank: str, asked: Sequence[_Asked]) -> list[bool]:
    """Store those that nobody has stored; return for each whether it was."""
    if not asked:
        return []
    rows = sorted(_columns(bank, *each) for each in asked)
    with transaction.atomic(durable=True):
        stored = set(_STORE.rows(*columns(rows, 7)))
        if stored:
            _call_the_worker()
    return [_take(stored, delivery) for delivery, *_ in asked]


def _columns(bank: str, delivery: Delivery, token: str, now: datetime) -> tuple[Any, ...]:
    """Return the columns of sql.STORE."""
    event_id, body, headers = delivery
    return bank, event_id, body, sha256(body).digest(), json.dumps(dict(headers)), token, now


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
    app.configure_task(APPLY).defer()


def look_again_soon() -> None:
    """Have the worker look in a second, unless a job will by then."""
    if not _is_called():
        app.configure_task(APPLY, schedule_in={"seconds": 1}).defer()
