"""What a bank's webhook may say, read without mercy."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from onramp import strict
from onramp.strict import Malformed

__all__ = [
    "MAX_BYTES",
    "Malformed",
    "Message",
    "Passing",
    "PayoutMessage",
    "PayoutSaid",
    "read",
]

MAX_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Passing:
    """A bank's word that is true and ends nothing: it is kept, and nothing is done about it."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """A bank's word on one on-ramp. amount_minor is in minor units of currency."""

    succeeded: bool
    token: str
    amount_minor: int
    currency: str
    bank_reference: str | None
    reason: str | None


class PayoutSaid(StrEnum):
    """What a bank may say of a payout. RETURNED: it was paid, and the money came back."""

    SUCCESS = "success"
    FAILURE = "failure"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True)
class PayoutMessage:
    """A bank's word on one off-ramp. amount_minor is in minor units of currency."""

    said: PayoutSaid
    token: str
    amount_minor: int
    currency: str
    bank_reference: str | None
    reason: str | None


_ONRAMP = {"onramp.success": True, "onramp.failure": False}
_PAYOUT = {f"payout.{said}": said for said in PayoutSaid}


def read(body: bytes) -> Message | PayoutMessage:
    """
    Return what the body says.

    Fields we do not know are left alone: a bank may add some. A failure may lack a reference and a
    reason (null), what was paid always has its reference.

    :raises Malformed: if it is not JSON, or a field is missing, of another type or out of form.
    """
    said = strict.parse(body)
    kind = strict.text(said, "type", most=64)
    if kind not in _ONRAMP and kind not in _PAYOUT:
        raise Malformed("type is not one we know.")
    strict.instant(said, "timestamp")
    data = strict.of_object(said.get("data"), "data")
    if kind in _ONRAMP:
        return Message(succeeded=_ONRAMP[kind], **_facts(data, is_paid=_ONRAMP[kind]))
    payout = _PAYOUT[kind]
    return PayoutMessage(said=payout, **_facts(data, is_paid=payout != PayoutSaid.FAILURE))


def _facts(data: dict[str, Any], *, is_paid: bool) -> dict[str, Any]:
    """Return what every message says."""
    reference = strict.text if is_paid else strict.text_or_null
    return {
        "token": strict.text(data, "token", most=128),
        "amount_minor": strict.whole(data, "amount_minor"),
        "currency": strict.text(data, "currency", most=8),
        "bank_reference": reference(data, "bank_reference", most=64),
        "reason": strict.words(data, "reason"),
    }
