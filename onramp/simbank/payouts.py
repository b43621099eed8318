"""
Paying to accounts: taken once for each token, and decided by the bank itself after a moment.

Every decision and the webhook it owes are one transaction. What becomes of a payout is written in
the account's number, so that anybody may see each end of it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from onramp.simbank.models import Payout
from onramp.simbank.owing import owe
from onramp.simbank.services import TermsDiffer, new_reference

FAILING, RETURNING = "0000", "9999"  # What such accounts' numbers end in.
DECIDED_AFTER_S, RETURNED_AFTER_S = 2, 20
_Status = Payout.Status
REASONS = {_Status.FAILED: "account closed", _Status.RETURNED: "returned by the receiving bank"}
_KINDS = {
    _Status.SUCCEEDED: "payout.success",
    _Status.FAILED: "payout.failure",
    _Status.RETURNED: "payout.returned",
}


@dataclass(frozen=True, kw_only=True)
class PayoutTerms:
    """What a merchant asks for. amount_minor is in minor units of currency."""

    token: str
    amount_minor: int
    currency: str
    brand: str
    account_holder: str
    account_number: str
    reference: str


def create_payout(*, terms: PayoutTerms, now: datetime) -> tuple[Payout, bool]:
    """
    Return the payout for the token and whether it is new.

    :raises TermsDiffer: if the token came before with other terms.
    """
    found = Payout.objects.filter(token=terms.token).first()
    if found is None:
        try:
            with transaction.atomic():
                return _insert(terms, now), True
        except IntegrityError:
            found = Payout.objects.get(token=terms.token)  # Two asked at once.
    if any(getattr(found, name) != value for name, value in asdict(terms).items()):
        raise TermsDiffer
    return found, False


def _insert(terms: PayoutTerms, now: datetime) -> Payout:
    return Payout.objects.create(
        **asdict(terms),
        bank_reference=new_reference(terms.brand),
        created_at=now,
        due_at=now + timedelta(seconds=DECIDED_AFTER_S),
    )


def decide_payouts(*, now: datetime, limit: int = 100) -> int:
    """Decide up to limit payouts that are due, by their accounts' numbers; return how many."""
    with transaction.atomic():
        due = (
            Payout.objects.select_for_update(skip_locked=True)
            .filter(due_at__lte=now)
            .order_by("due_at")[:limit]
        )
        payouts = list(due)
        for payout in payouts:
            _decide(payout, now)
    return len(payouts)


def _decide(payout: Payout, now: datetime) -> None:
    is_back = payout.status == _Status.SUCCEEDED
    payout.due_at = None
    if is_back:
        payout.status, payout.returned_at = _Status.RETURNED, now
    else:
        payout.status, payout.decided_at = _Status.SUCCEEDED, now
        if payout.account_number.endswith(FAILING):
            payout.status = _Status.FAILED
        elif payout.account_number.endswith(RETURNING):
            payout.due_at = now + timedelta(seconds=RETURNED_AFTER_S)
    payout.save(update_fields=["status", "decided_at", "returned_at", "due_at"])
    status = _Status(payout.status)
    owe(payout, _KINDS[status], reason=REASONS.get(status), now=now)
