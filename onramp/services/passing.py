"""Events that are true and end nothing: kept like all that a bank signed, with nothing to do."""

from datetime import datetime

from django.db import transaction

from onramp.services.alone import hear
from onramp.services.judging import Answer, Delivery, Verdict
from onramp.services.taken import again_if_taken


def record_passing(*, bank: str, delivery: Delivery, now: datetime) -> Answer:
    """
    Keep a verified event that settles nothing, and return its answer; a copy gets the same one.

    :raises Busy: if rows were locked for too long; nothing is stored. It may be sent again.
    """
    return again_if_taken(lambda: _record(bank, delivery, now))


def _record(bank: str, delivery: Delivery, now: datetime) -> Answer:
    with transaction.atomic(durable=True):
        return hear(
            bank=bank,
            delivery=delivery,
            said="",
            offramp=None,
            act=lambda: Verdict.SETTLES_NOTHING,
            now=now,
        )
