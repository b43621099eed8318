"""Ending what nobody finished."""

from datetime import datetime

from django.db import transaction

from nexapay.kernel import db, events
from onramp.events import OnRampFailed
from onramp.models import OnRampTransaction

EXPIRED = "expired"
_Status = OnRampTransaction.Status


def expire_onramp(*, onramp_id: int, now: datetime) -> bool:
    """
    Fail an on-ramp that is still processing at its expires_at; return whether it was.

    Only for one that the bank never saw: what it may have taken is asked about first (asking.py).

    :raises Busy: if its row was locked for too long; nothing is changed.
    """
    return db.retrying(lambda: _expire(onramp_id, now))


def _expire(onramp_id: int, now: datetime) -> bool:
    with transaction.atomic(durable=True):
        # A row that an event holds is waited for, and what it became meanwhile is looked at again.
        overdue = OnRampTransaction.objects.filter(
            pk=onramp_id, status=_Status.PROCESSING, expires_at__lte=now
        )
        expired = overdue.update(status=_Status.FAILURE, failure_reason=EXPIRED, settled_at=now)
        if expired:
            events.publish(OnRampFailed(onramp_id=onramp_id))
    return bool(expired)
