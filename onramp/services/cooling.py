"""
The cooling-off time of bank accounts: whoever stole a password adds one first.

One limit holds for a person, over all accounts that are new together. A limit for each would be
none: accounts are added by the dozen, and removed and added again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import OuterRef, Q, Subquery, Sum

from onramp.models import BankAccount, OffRampTransaction

NEW_FOR = timedelta(hours=24)
_Status = OffRampTransaction.Status
_WENT_THERE = ~Q(offramps__status__in=[_Status.FAILURE, _Status.CANCELLED])
_SAME = BankAccount.objects.filter(
    owner_id=OuterRef("owner_id"), bank=OuterRef("bank"), number=OuterRef("number")
)
# An account is as old as the first time it was added: what was removed since is kept.
_FIRST_ADDED = Subquery(_SAME.order_by("added_at").values("added_at")[:1])


class Cooling(NamedTuple):
    """How much may still go to a person's new accounts, and until when each of them is new."""

    left_minor: int
    until: Mapping[int, datetime]  # By the account's id; also of those that were removed.


def cooling_off(*, owner_id: int, now: datetime) -> Cooling:
    """
    Return what may still go to the person's new accounts: PAYOUT_NEW_ACCOUNT_MAX_MINOR in all.

    Whoever decides by it holds the lock of the owner's row; otherwise two at once each find all of
    it left. Minor units; a wallet's currency plays no part.
    """
    accounts = BankAccount.objects.filter(owner_id=owner_id).annotate(first=_FIRST_ADDED)
    new = accounts.filter(first__gt=now - NEW_FOR).annotate(
        sent=Sum("offramps__amount_minor", filter=_WENT_THERE)
    )
    rows = list(new.values_list("pk", "first", "sent"))
    sent_minor = sum(sent or 0 for _, _, sent in rows)
    return Cooling(
        left_minor=max(settings.PAYOUT_NEW_ACCOUNT_MAX_MINOR - sent_minor, 0),
        until={pk: first + NEW_FOR for pk, first, _ in rows},
    )
