"""
What the demo people did at their bank, as lines of its own history: see onramp/simbank/memory.py.

The bank is somebody else and keeps its own books. Without this it would not know of months that
our history has; asked about them, it could only say so.
"""

import json
from collections.abc import Iterator
from itertools import chain

from django.db.models import Q

from onramp import demo
from onramp.models import OffRampTransaction, OnRampTransaction

_PAID = {"success": "approved", "failure": "declined", "processing": "awaiting"}
_PAID_OUT = {"success": "succeeded", "failure": "failed"}


def history() -> Iterator[str]:
    """Yield a line for each payment and payout of the demo people's story, as it stands."""
    told = Q(bank_reference__startswith=demo.REFERENCE)
    waiting = Q(idempotency_key=demo.key("waiting"), status="processing")
    onramps = OnRampTransaction.objects.filter(told | waiting).order_by("pk")
    offramps = OffRampTransaction.objects.filter(told, status__in=_PAID_OUT).order_by("pk")
    payouts = map(_payout, offramps.select_related("account"))
    yield from map(json.dumps, chain(map(_payment, onramps), payouts))


def _payment(onramp: OnRampTransaction) -> dict[str, object]:
    return {
        "is": "payment",
        "return_url": "",
        "expires_at": onramp.pay_before.isoformat(),
        "status": _PAID[onramp.status],
        **_common(onramp),
    }


def _payout(offramp: OffRampTransaction) -> dict[str, object]:
    return {
        "is": "payout",
        "account_holder": offramp.account.holder,
        "account_number": offramp.account.number,
        "status": _PAID_OUT[offramp.status],
        **_common(offramp),
    }


def _common(of: OnRampTransaction | OffRampTransaction) -> dict[str, object]:
    return {
        "token": of.token,
        "brand": of.bank,
        "amount_minor": of.amount_minor,
        "currency": of.currency,
        "reference": of.reference,
        "bank_reference": of.bank_reference or "",
        "created_at": of.created_at.isoformat(),
        "decided_at": of.settled_at.isoformat() if of.settled_at else None,
    }
