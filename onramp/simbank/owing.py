"""Webhooks the bank owes: written in the transaction of what they tell."""

import json
from collections import Counter
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any
from uuid import uuid4

from onramp.simbank import scenarios
from onramp.simbank.models import Delivery, Payment, Payout
from onramp.simbank.scenarios import Sending

_OPPOSITE = {
    "onramp.success": "onramp.failure",
    "onramp.failure": "onramp.success",
    "payout.success": "payout.failure",
    "payout.failure": "payout.success",
    "payout.returned": "payout.success",
}
_random = SystemRandom()


def owe(
    about: Payment | Payout,
    kind: str,
    *,
    reason: str | None,
    now: datetime,
    delays_s: tuple[int, ...] = (0,),
) -> None:
    """Owe the merchant one event of that type about it, as its scenario says, else with delays."""
    scenario = scenarios.of(about)
    usual = [Sending(delay_s=delay_s) for delay_s in delays_s]
    event_ids: dict[str, str] = {}
    copies: Counter[str] = Counter()
    deliveries = []
    for sending in scenario.sendings if scenario else usual:
        body = json.dumps(_message(about, kind, reason, now, sending))
        event_id = event_ids.setdefault(body, f"evt_{uuid4().hex}")
        copies[event_id] += 1
        deliveries.append(_delivery(about, sending, event_id, copies[event_id], body, now))
    Delivery.objects.bulk_create(deliveries)


def _delivery(
    about: Payment | Payout, sending: Sending, event_id: str, copy: int, body: str, now: datetime
) -> Delivery:
    of: dict[str, Any] = {"payment" if isinstance(about, Payment) else "payout": about}
    delay_s = sending.delay_s + _random.uniform(0, sending.jitter_s)
    is_lost = sending.trick == "lose"
    return Delivery(
        **of,
        event_id=event_id,
        copy=copy,
        body=body,
        trick=sending.trick,
        status=Delivery.Status.LOST if is_lost else Delivery.Status.WAITING,
        next_attempt_at=now + timedelta(seconds=delay_s),
    )


def _message(
    about: Payment | Payout, kind: str, reason: str | None, now: datetime, sending: Sending
) -> dict[str, Any]:
    if sending.is_opposite:
        kind = _OPPOSITE[kind]
        reason = "we changed our mind" if kind.endswith("failure") else None
    data = {
        "token": about.token,
        "amount_minor": about.amount_minor * sending.factor,
        "currency": about.currency,
        "bank_reference": about.bank_reference,
        "reason": reason,
    }
    return {"type": kind, "timestamp": now.isoformat(), "data": data}
