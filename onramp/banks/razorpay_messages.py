"""What Razorpay says: webhooks, payments and payouts in its form, turned into ours."""

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from onramp import strict
from onramp.banks import signatures
from onramp.banks.protocol import Forged, PayoutReport, PayoutState, Verified
from onramp.messages import Message, Passing, PayoutMessage, PayoutSaid
from onramp.strict import Malformed

SIGNATURE, EVENT_ID = "x-razorpay-signature", "x-razorpay-event-id"
_HEX = re.compile(r"[0-9a-f]{64}")
_PAYOUT_STATES = {
    **dict.fromkeys(("queued", "pending", "processing", "scheduled"), PayoutState.PENDING),
    "processed": PayoutState.SUCCEEDED,
    **dict.fromkeys(("rejected", "cancelled", "failed"), PayoutState.FAILED),
    "reversed": PayoutState.RETURNED,
}
_PAYOUT_EVENTS = {
    "payout.processed": PayoutSaid.SUCCESS,
    "payout.failed": PayoutSaid.FAILURE,
    "payout.rejected": PayoutSaid.FAILURE,
    "payout.reversed": PayoutSaid.RETURNED,
}
# It has dozens of others, and more will come. Which of them we are sent is chosen in its dashboard,
# and it switches a webhook off that keeps refusing.
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


def verify(keys: list[bytes], *, headers: Mapping[str, str], body: bytes) -> Verified:
    """
    Return the event's id and the key's, if one of the keys signed this body.

    Neither the id nor a time is signed. What is replayed under its own id is known by it; under
    another id it says what is known already, and moves nothing.

    :raises Forged: if none did.
    :raises OddEventId: if one did, under an id that we cannot keep.
    """
    offered = signatures.header(headers, SIGNATURE)
    event_id = signatures.header(headers, EVENT_ID)
    if not _HEX.fullmatch(offered):
        raise Forged("signature")
    for key in keys:
        if hmac.compare_digest(hmac.new(key, body, sha256).hexdigest(), offered):
            return Verified(signatures.usable(event_id), signatures.key_id(key))
    raise Forged("signature")


def read(body: bytes) -> Message | PayoutMessage | Passing:
    """
    Return what a webhook says, in our words; an event that we do not act upon is passing.

    Many tell of a payment without ending it. A payment may fail and be tried again under the same
    order, and only order.paid names the order, with the token that we wrote into it: what a payment
    carries besides has been through its customer's hands.

    :raises Malformed: if it is no event, or one that we act upon without what it should say.
    """
    said = strict.parse(body)
    event = strict.text(said, "event", most=64)
    if not _NAME.fullmatch(event):
        raise Malformed("event is no name of an event.")
    payload = strict.of_object(said.get("payload"), "payload")
    if event == "order.paid":
        return _paid(_entity(payload, "order"), _entity(payload, "payment"))
    if event in _PAYOUT_EVENTS:
        return _payout(_PAYOUT_EVENTS[event], _entity(payload, "payout"))
    return Passing(kind=event)


def _entity(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return strict.of_object(strict.of_object(payload.get(name), name).get("entity"), name)


def _paid(order: dict[str, Any], payment: dict[str, Any]) -> Message:
    if strict.text(payment, "order_id", most=64) != strict.text(order, "id", most=64):
        raise Malformed("payment is not of that order.")
    return Message(
        succeeded=True,
        token=token_of(order),
        amount_minor=kept_of(payment),
        currency=strict.text(payment, "currency", most=8),
        bank_reference=strict.text(payment, "id", most=64),
        reason=None,
    )


def _payout(said: PayoutSaid, payout: dict[str, Any]) -> PayoutMessage:
    return PayoutMessage(
        said=said,
        token=token_of(payout),
        amount_minor=strict.whole(payout, "amount"),
        currency=strict.text(payout, "currency", most=8),
        bank_reference=strict.text(payout, "id", most=64),
        reason=_why(payout),
    )


def token_of(entity: dict[str, Any]) -> str:
    """
    Return the token that we wrote into an order's or a payout's notes.

    :raises Malformed: if there is none.
    """
    # Without notes it is an empty list.
    return strict.text(strict.of_object(entity.get("notes"), "notes"), "token", most=128)


def kept_of(payment: dict[str, Any]) -> int:
    """
    Return what a payment brought in, in minor units: less than its amount if some was refunded.

    :raises Malformed: if it does not say.
    """
    refunded = strict.whole(payment, "amount_refunded") if "amount_refunded" in payment else 0
    return strict.whole(payment, "amount") - refunded


def payout_report(payout: dict[str, Any]) -> PayoutReport:
    """
    Return how a payout stands.

    :raises Malformed: if it is not one, or in a state that we do not know.
    """
    status = strict.text(payout, "status", most=32)
    if status not in _PAYOUT_STATES:
        raise Malformed("status is not one we know.")
    return PayoutReport(
        state=_PAYOUT_STATES[status],
        amount_minor=strict.whole(payout, "amount"),
        currency=strict.text(payout, "currency", most=8),
        bank_reference=strict.text(payout, "id", most=64),
        reason=_why(payout),
    )


def _why(payout: dict[str, Any]) -> str | None:
    """Return why a payout failed, if it says so; older ones say it in another field."""
    details = payout.get("status_details")
    words = details.get("description") if isinstance(details, dict) else None
    words = words or payout.get("failure_reason")
    return strict.words({"reason": words[:200]}, "reason") if isinstance(words, str) else None
