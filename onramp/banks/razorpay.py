"""
Razorpay: orders that are paid on its own page, and RazorpayX payouts.

It knows no token of ours. An order's receipt and a payout's reference are the token's digest, by
which they are found again; the token itself stands in their notes.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core import signing
from django.urls import reverse
from django.utils import timezone

from onramp import strict
from onramp.banks import razorpay_messages, wire
from onramp.banks.choices import CHOICES
from onramp.banks.protocol import (
    BankUnreachable,
    NoStatement,
    Payment,
    PaymentReport,
    PaymentState,
    Payout,
    PayoutRefused,
    PayoutReport,
    PayoutState,
    Verified,
)
from onramp.strict import Malformed

CHECKOUT_SALT = "onramp.razorpay"
_IMPS_MOST_MINOR = 50_000_000  # Above it the network that pays at once does not take it.
# A payment that was begun in time may take so long; Razorpay itself gives it up then.
_UNDER_WAY = timedelta(minutes=15)
_MOST = 100


class Razorpay:
    """Its API has a key id and a secret; its webhooks are signed with a secret of their own."""

    name = "razorpay"
    proof: tuple[str, ...] = (razorpay_messages.SIGNATURE, razorpay_messages.EVENT_ID)

    def __init__(
        self, *, api_url: str, key_id: str, key_secret: str, secrets: list[str], account: str
    ) -> None:
        self._api_url = api_url
        self._auth = (key_id, key_secret)
        self._keys = [secret.encode() for secret in secrets]
        self._account = account

    def create_payment(self, payment: Payment) -> str:
        """As the protocol says. Two orders for one token only come of two requests at once."""
        order = self._oldest(payment) or self._post_order(payment)
        checkout = {
            "key_id": self._auth[0],
            "order_id": order,
            "amount": payment.amount_minor,
            "currency": payment.currency,
            "description": payment.reference,
            "callback_url": f"{payment.return_url}back/",
            "cancel_url": payment.return_url,
        }
        sealed = signing.dumps(
            {"until": payment.expires_at.timestamp(), "fields": checkout}, salt=CHECKOUT_SALT
        )
        return reverse("onramp:checkout", args=[sealed])

    def _post_order(self, payment: Payment) -> str:
        asked = {
            "amount": payment.amount_minor,
            "currency": payment.currency,
            "receipt": _digest(payment.token),
            "notes": {
                "token": payment.token,
                "reference": payment.reference,
                "pay_before": str(int(payment.expires_at.timestamp())),
            },
        }
        answer = self._ask("POST", "orders", json=asked)
        if answer.status != 200:
            raise BankUnreachable(f"answered {answer.status}")
        posted = self._checked(answer.said, payment)
        # Who asked at the same moment made another: both go on with the older.
        return self._oldest(payment) or posted

    def _oldest(self, payment: Payment) -> str | None:
        orders = self._orders(payment.token)
        return self._checked(orders[0], payment) if orders else None

    def _checked(self, order: dict[str, Any], payment: Payment) -> str:
        """Return the order's id, once it is seen to be of these terms."""
        try:
            terms = strict.whole(order, "amount"), strict.text(order, "currency", most=8)
            if terms != (payment.amount_minor, payment.currency):
                raise BankUnreachable("knows other terms")
            return _path_part(order, "id")
        except Malformed as error:
            raise BankUnreachable("answered something else") from error

    def query_payment(self, *, token: str) -> PaymentReport:
        orders = self._orders(token)
        if not orders:
            return PaymentReport(state=PaymentState.UNKNOWN)
        try:
            paths = [f"orders/{_path_part(order, 'id')}/payments" for order in orders]
            payments = [payment for path in paths for payment in self._items(path)]
            return _report(orders[0], payments, timezone.now())
        except Malformed as error:
            raise BankUnreachable("answered something else") from error

    def create_payout(self, payout: Payout) -> PayoutReport:
        key = {"X-Payout-Idempotency": _digest(payout.token)[:36]}
        answer = self._ask("POST", "payouts", headers=key, json=self._payout(payout))
        if answer.status == 400:
            # Also said of a key that came with another body: then some payout may be paid.
            found = self.query_payout(token=payout.token)
            if found.state != PayoutState.UNKNOWN:
                return found
            raise PayoutRefused(_refusal(answer.said))
        if answer.status not in (200, 201):
            raise BankUnreachable(f"answered {answer.status}")
        return _payout_report(answer.said, payout.token)

    def _payout(self, payout: Payout) -> dict[str, Any]:
        is_instant = payout.amount_minor <= _IMPS_MOST_MINOR
        return {
            "account_number": self._account,
            "amount": payout.amount_minor,
            "currency": payout.currency,
            "mode": "IMPS" if is_instant else "NEFT",
            "purpose": "payout",
            "fund_account": {
                "account_type": "bank_account",
                "bank_account": {
                    "name": payout.account_holder,
                    "ifsc": CHOICES[payout.bank].ifsc,
                    "account_number": payout.account_number,
                },
                "contact": {"name": payout.account_holder, "type": "customer"},
            },
            "queue_if_low_balance": True,
            "reference_id": _digest(payout.token),
            "narration": payout.reference.replace("-", " ")[:30],
            "notes": {"token": payout.token},
        }

    def query_payout(self, *, token: str) -> PayoutReport:
        asked = {"account_number": self._account, "reference_id": _digest(token)}
        found = [
            payout
            for payout in self._items("payouts", asked)
            if payout.get("reference_id") == _digest(token)
        ]
        if not found:
            return PayoutReport(state=PayoutState.UNKNOWN)
        if len(found) > 1:
            raise BankUnreachable("knows it twice")
        return _payout_report(found[0], token)

    def statement(self, *, day: date, format: str) -> bytes:
        """Refuse: it tells of settlements to a bank, whose statement is that bank's to give."""
        raise NoStatement("Razorpay publishes no statement")

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        return razorpay_messages.verify(self._keys, headers=headers, body=body)

    def _orders(self, token: str) -> list[dict[str, Any]]:
        """Return the orders for a token, the oldest first. There is one, but for a race."""
        receipt = _digest(token)
        found = self._items("orders", {"receipt": receipt})
        # The receipt is looked for inside others; only this very one is ours.
        orders = [order for order in found if order.get("receipt") == receipt]
        try:
            return sorted(orders, key=lambda o: (strict.whole(o, "created_at"), str(o.get("id"))))
        except Malformed as error:
            raise BankUnreachable("answered something else") from error

    def _items(self, path: str, asked: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """Return a collection. One that may go on elsewhere is no answer."""
        params = {**asked, "count": str(_MOST)} if asked else None
        answer = self._ask("GET", path, params=params)
        items = answer.said.get("items")
        is_whole = answer.status == 200 and isinstance(items, list) and len(items) < _MOST
        if not is_whole or not all(isinstance(item, dict) for item in items or []):
            raise BankUnreachable(f"answered {answer.status} without a whole list")
        return items or []

    def _ask(self, method: str, path: str, **options: Any) -> wire.Answer:
        return wire.ask(method, f"{self._api_url}/v1/{path}", auth=self._auth, **options)


def _digest(token: str) -> str:
    """Return 40 characters that stand for a token: as many as a receipt may have."""
    return sha256(token.encode()).hexdigest()[:40]


def _path_part(entity: dict[str, Any], name: str) -> str:
    """Return an id that may stand in a path."""
    value = strict.text(entity, name, most=64)
    if not value.replace("_", "").isalnum() or not value.isascii():
        raise Malformed(f"{name} is odd.")
    return value


def _report(order: dict[str, Any], payments: list[dict[str, Any]], now: datetime) -> PaymentReport:
    """Return what the payments of a token's orders come to."""
    for payment in payments:
        if payment.get("status") == "captured":
            return PaymentReport(
                state=PaymentState.SUCCEEDED,
                amount_minor=razorpay_messages.kept_of(payment),
                currency=strict.text(payment, "currency", most=8),
                bank_reference=strict.text(payment, "id", most=64),
            )
    is_over = all(payment.get("status") in ("failed", "refunded") for payment in payments)
    return PaymentReport(
        state=PaymentState.FAILED if is_over and now > _deadline(order) else PaymentState.PENDING,
        amount_minor=strict.whole(order, "amount"),
        currency=strict.text(order, "currency", most=8),
        reason="not approved in time",
    )


def _deadline(order: dict[str, Any]) -> datetime:
    """Return until when a payment may end that began before we stopped offering the order."""
    notes = strict.of_object(order.get("notes"), "notes")
    seconds = strict.text(notes, "pay_before", most=12)
    if not seconds.isascii() or not seconds.isdigit():
        raise Malformed("pay_before is odd.")
    return datetime.fromtimestamp(int(seconds), tz=timezone.get_default_timezone()) + _UNDER_WAY


def _payout_report(payout: dict[str, Any], token: str) -> PayoutReport:
    try:
        if razorpay_messages.token_of(payout) != token:
            raise Malformed("That is another one.")
        return razorpay_messages.payout_report(payout)
    except Malformed as error:
        raise BankUnreachable("answered something else") from error


def _refusal(said: dict[str, Any]) -> str:
    error = said.get("error")
    words = error.get("description") if isinstance(error, dict) else None
    return str(words or "refused")[:200]
