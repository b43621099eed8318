"""How a webhook is sent when this bank misbehaves: by another hand, at another time, or half."""

import base64
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings

from onramp.simbank.models import Delivery

# The merchant is right to refuse these, and would refuse them again.
REFUSED = {"forge", "replay", "clock_off"}
HELD_S = 5
_SHIFTS = {"replay": timedelta(days=-7), "clock_off": timedelta(minutes=-10)}
_STRANGERS = "whsec_" + base64.b64encode(b"a secret that nobody agreed upon").decode()


class Dropped(Exception):
    """The connection was left before the webhook was whole."""


def secrets(delivery: Delivery) -> list[str]:
    """Return what the delivery is signed with: all secrets that the merchant may know."""
    known: list[str] = settings.BANK_WEBHOOK_SECRETS
    if delivery.trick == "forge":
        return [_STRANGERS]
    if delivery.trick == "new_secret":
        # With a single one we are ahead of the merchant, and find out when it refuses.
        ahead = [_STRANGERS] if delivery.attempts == 0 else known
        return known[:1] if len(known) > 1 else ahead
    return known[-1:] if delivery.trick == "old_secret" else known


def clock(delivery: Delivery, now: datetime) -> datetime:
    """Return the time that the delivery is signed for."""
    return now + _SHIFTS.get(delivery.trick, timedelta(0))


def content(delivery: Delivery) -> bytes | Iterator[bytes]:
    """Return the body to post, whole or half."""
    body = delivery.body.encode()
    return _half(body) if delivery.trick == "half_open" else body


def _half(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    time.sleep(HELD_S)
    raise Dropped
