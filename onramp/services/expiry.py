"""Ending what nobody finished."""

from datetime import datetime

from django.db import transaction

from nexapay.kernel import db, events
from onramp.events import OnRampFailed
from onramp.models import OnRampTransaction

EXPIRED = "expired"
_BATCH = 500


def expire_onramps(*, now: datetime) -> int:
    """
    Fail every on-ramp that is still processing at its expires_at; return how many.

    Rows that a bank's event holds right now are left to it.
    """
    total = 0
    while expired := db.retrying(lambda: _expire_batch(now)):
        total += expired
    return total


def _expire_batch(now: datetime) -> int:
    with transaction.atomic(durable=True):
        overdue = (
            OnRampTransaction.objects.select_for_update(no_key=True, skip_locked=True)
            .overdue(now)
            .order_by("expires_at")
            .values_list("pk", flat=True)
        )
        ids = list(overdue[:_BATCH])
        OnRampTransaction.objects.filter(pk__in=ids).update(
            status=OnRampTransaction.Status.FAILURE, failure_reason=EXPIRED, settled_at=now
        )
        for onramp_id in ids:
            events.publish(OnRampFailed(onramp_id=onramp_id))
    return len(ids)
