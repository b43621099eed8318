"""Events that are kept one at a time: those of withdrawals, and those that settle nothing."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from onramp.models import BankEvent, OffRampTransaction
from onramp.services.judging import Answer, Delivery, Verdict, answer, outcome, verdict_or_none


def hear(
    *,
    bank: str,
    delivery: Delivery,
    said: str,
    offramp: OffRampTransaction | None,
    act: Callable[[], Verdict],
    now: datetime,
) -> Answer:
    """
    Keep an event with what act makes of it, if it is the first of its id; return its answer.

    said is success, failure or returned; offramp is whom it speaks of. Inside a transaction that
    holds what act needs to be locked.
    """
    digest = sha256(delivery.body).digest()
    heard = BankEvent.objects.filter(bank=bank, event_id=delivery.event_id)
    first = heard.filter(conflicts_with=None).first()
    if first and bytes(first.body_sha256) == digest:
        return answer(verdict_or_none(first.verdict), said, is_copy=True)
    verdict = act() if first is None else Verdict.OTHER_BODY
    if first is None or not heard.filter(body_sha256=digest).exists():
        _keep(bank, delivery, digest, first, offramp, verdict, now)
    return answer(verdict, said, is_copy=False)


def _keep(
    bank: str,
    delivery: Delivery,
    digest: bytes,
    first: BankEvent | None,
    offramp: OffRampTransaction | None,
    verdict: Verdict,
    now: datetime,
) -> None:
    BankEvent.objects.create(
        bank=bank,
        event_id=delivery.event_id,
        body=delivery.body,
        body_sha256=digest,
        headers=dict(delivery.headers),
        conflicts_with=first,
        offramp=None if first and first.onramp_id else offramp,
        status=outcome(verdict),
        verdict=verdict,
        attempts=1,
        received_at=now,
        processed_at=now,
    )
