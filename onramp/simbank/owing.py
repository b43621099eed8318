"""Webhooks the bank owes: written in the transaction of what they tell."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from onramp.simbank.models import Delivery, Payment, Payout


def owe(
    about: Payment | Payout,
    kind: str,
    *,
    reason: str | None,
    now: datetime,
    delays_s: tuple[int, ...] = (0,),
) -> None:
    """Owe the merchant one event of that type about it: a copy after each of the delays."""
    event_id, body = f"evt_{uuid4().hex}", json.dumps(_message(about, kind, reason, now))
    of: dict[str, Any] = {"payment" if isinstance(about, Payment) else "payout": about}
    Delivery.objects.bulk_create(
        Delivery(
            **of,
            event_id=event_id,
            copy=copy,
            body=body,
            next_attempt_at=now + timedelta(seconds=delay_s),
        )
        for copy, delay_s in enumerate(delays_s, start=1)
    )


def _message(
    about: Payment | Payout, kind: str, reason: str | None, now: datetime
) -> dict[str, Any]:
    data = {
        "token": about.token,
        "amount_minor": about.amount_minor,
        "currency": about.currency,
        "bank_reference": about.bank_reference,
        "reason": reason,
    }
    return {"type": kind, "timestamp": now.isoformat(), "data": data}
