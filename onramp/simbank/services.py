"""
What this bank does: takes wishes to be paid, lets the customer decide once, owes the webhook.

Every decision and the deliveries it owes are one transaction: the merchant always hears of it.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from random import SystemRandom

from django.db import IntegrityError, transaction

from onramp.simbank.models import Payment
from onramp.simbank.owing import owe

BRANDS = {"banyan": "Banyan Bank", "harbour": "Harbour Bank", "lotus": "Lotus Savings"}
ACCOUNTS = {
    "banyan": "Savings •••• 4821",
    "harbour": "Salary •••• 0936",
    "lotus": "Everyday •••• 7750",
}
MODES = {"now": (0,), "slow": (20,), "twice": (0, 0)}  # Seconds until each copy goes out.

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_random = SystemRandom()
_Status = Payment.Status


class TermsDiffer(Exception):
    """The token stands for other terms."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a merchant asks for. amount_minor is in minor units of currency."""

    token: str
    amount_minor: int
    currency: str
    brand: str
    reference: str
    expires_at: datetime


def create_payment(*, terms: Terms, return_url: str, now: datetime) -> tuple[Payment, bool]:
    """
    Return the payment for the token and whether it is new. Asking again may move return_url.

    :raises TermsDiffer: if the token came before with other terms.
    """
    found = Payment.objects.filter(token=terms.token).first()
    if found is None:
        try:
            with transaction.atomic():
                return _insert(terms, return_url, now), True
        except IntegrityError:
            found = Payment.objects.get(token=terms.token)  # Two asked at once.
    if any(getattr(found, name) != value for name, value in asdict(terms).items()):
        raise TermsDiffer
    if found.return_url != return_url:
        found.return_url = return_url
        found.save(update_fields=["return_url"])
    return found, False


def _insert(terms: Terms, return_url: str, now: datetime) -> Payment:
    return Payment.objects.create(
        **asdict(terms),
        return_url=return_url,
        bank_reference=new_reference(terms.brand),
        created_at=now,
    )


def new_reference(brand: str) -> str:
    """Return a reference of our own, such as BAN-3F7K2M9QXZ."""
    code = "".join(_random.choices(_LETTERS, k=10))
    return f"{brand[:3].upper()}-{code}"


def decide(
    *, token: str, is_approved: bool, mode: str, now: datetime, scenario: str = ""
) -> Payment:
    """
    Return the payment as the customer's first decision left it.

    mode is one of MODES, scenario one of scenarios.SCENARIOS for this payment alone, or empty.
    After expires_at nothing can be approved: it is expired instead.

    :raises Payment.DoesNotExist: if nobody asked for such a payment.
    """
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(token=token)
        if not payment.is_awaiting:
            return payment
        if now >= payment.expires_at:
            _close(payment, _Status.EXPIRED, MODES["now"], now)
        else:
            payment.scenario = scenario
            status = _Status.APPROVED if is_approved else _Status.DECLINED
            _close(payment, status, MODES[mode], now)
        return payment


def expire_payments(*, now: datetime, limit: int = 100) -> int:
    """Expire up to limit payments that nobody decided in time; return how many."""
    with transaction.atomic():
        overdue = (
            Payment.objects.select_for_update(skip_locked=True)
            .filter(status=_Status.AWAITING, expires_at__lte=now)
            .order_by("expires_at")[:limit]
        )
        payments = list(overdue)
        for payment in payments:
            _close(payment, _Status.EXPIRED, MODES["now"], now)
    return len(payments)


REASONS = {
    _Status.DECLINED: "declined by customer",
    _Status.EXPIRED: "not approved in time",
}


def _close(
    payment: Payment, status: Payment.Status, delays_s: tuple[int, ...], now: datetime
) -> None:
    payment.status, payment.decided_at = status, now
    payment.save(update_fields=["status", "decided_at", "scenario"])
    kind = "onramp.success" if status is _Status.APPROVED else "onramp.failure"
    owe(payment, kind, reason=REASONS.get(status), now=now, delays_s=delays_s)
