"""Razorpay on loopback, in the shapes of its documentation: orders, payments, payouts, webhooks."""

import base64
import hmac
import json
import re
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY_ID, KEY_SECRET = "rzp_test_1DP5mmOlF5G5ag", "thisissupersecret"
SECRET = "a-webhook-secret-of-ours"
ACCOUNT = "7878780080316316"
_AUTH = "Basic " + base64.b64encode(f"{KEY_ID}:{KEY_SECRET}".encode()).decode()
_numbers = count(1)

Entity = dict[str, Any]


def order(asked: Entity, **changes: Any) -> Entity:
    """Return an order as the API answers it."""
    number = next(_numbers)
    return {
        "id": f"order_DaZlswtdcn{number:04d}",
        "entity": "order",
        "amount": asked["amount"],
        "amount_paid": 0,
        "amount_due": asked["amount"],
        "currency": asked["currency"],
        "receipt": asked["receipt"],
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": asked.get("notes") or [],
        "created_at": 1572502745 + number,
    } | changes


def payment(of: Entity, status: str = "captured", **changes: Any) -> Entity:
    """Return a payment of an order as the API and webhooks tell of it."""
    is_captured = status == "captured"
    return {
        "id": f"pay_DESlfW9H8K{next(_numbers):04d}",
        "entity": "payment",
        "amount": of["amount"],
        "currency": of["currency"],
        "status": status,
        "order_id": of["id"],
        "invoice_id": None,
        "international": False,
        "method": "netbanking",
        "amount_refunded": 0,
        "refund_status": None,
        "captured": is_captured,
        "description": None,
        "card_id": None,
        "bank": "HDFC",
        "wallet": None,
        "vpa": None,
        "email": "gaurav.kumar@example.com",
        "contact": "+919876543210",
        "notes": [],
        "fee": 2 if is_captured else None,
        "tax": 0 if is_captured else None,
        "error_code": None if is_captured else "BAD_REQUEST_ERROR",
        "error_description": None if is_captured else "Payment failed",
        "created_at": 1567674599,
    } | changes


def payout(asked: Entity, **changes: Any) -> Entity:
    """Return a payout as the API and webhooks tell of it."""
    return {
        "id": f"pout_0000000000{next(_numbers):04d}",
        "entity": "payout",
        "fund_account_id": "fa_00000000000001",
        "amount": asked["amount"],
        "currency": asked["currency"],
        "notes": asked["notes"],
        "fees": 590,
        "tax": 90,
        "status": "processing",
        "purpose": asked["purpose"],
        "utr": None,
        "mode": asked["mode"],
        "reference_id": asked["reference_id"],
        "narration": asked["narration"],
        "batch_id": None,
        "failure_reason": None,
        "status_details": {"description": None, "source": None, "reason": None},
        "created_at": 1545383037,
    } | changes


def event(name: str, **entities: Entity) -> bytes:
    """Return a webhook's body."""
    said = {
        "entity": "event",
        "account_id": "acc_BFQ7uQEaa7j2z7",
        "event": name,
        "contains": list(entities),
        "payload": {of: {"entity": entity} for of, entity in entities.items()},
        "created_at": 1567674606,
    }
    return json.dumps(said).encode()


def signed(body: bytes, *, event_id: str = "", secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a webhook."""
    return {
        "x-razorpay-signature": hmac.new(secret.encode(), body, sha256).hexdigest(),
        "x-razorpay-event-id": event_id or f"IEvent{next(_numbers):08d}",
    }


class Fake(ThreadingHTTPServer):
    """Keeps orders, payments and payouts, and what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.orders: list[Entity] = []
        self.payments: list[Entity] = []
        self.payouts: list[Entity] = []
        self.keys: dict[str, tuple[Entity, Entity]] = {}
        self.asked: list[tuple[str, str, Entity]] = []
        self.answers: list[tuple[int, Any]] = []  # Instead of its own, in turn.
        self.meeting = Barrier(1)  # So many wait for each other before they have one of those.

    def answer(self, method: str, url: str, key: str, asked: Entity) -> tuple[int, Any]:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((method, parts.path, asked or query))
        if self.answers:
            self.meeting.wait(10)
            return self.answers.pop(0)
        if method == "POST":
            return self._order(asked) if parts.path == "/v1/orders" else self._payout(key, asked)
        if found := re.fullmatch(r"/v1/orders/(\w+)/payments", parts.path):
            return 200, listed([p for p in self.payments if p["order_id"] == found[1]])
        if parts.path == "/v1/orders":
            return 200, listed([o for o in self.orders if query["receipt"] in o["receipt"]])
        ours = [p for p in self.payouts if p["reference_id"] == query["reference_id"]]
        return 200, listed(ours if query["account_number"] == ACCOUNT else [])

    def _order(self, asked: Entity) -> tuple[int, Any]:
        if asked["amount"] < 100 or len(asked["receipt"]) > 40:
            return 400, refusal("The amount must be at least INR 1.00")
        self.orders.append(order(asked))
        return 200, self.orders[-1]

    def _payout(self, key: str, asked: Entity) -> tuple[int, Any]:
        if not re.fullmatch(r"[\w -]{4,36}", key):
            return 400, refusal("Idempotency key is missing.")
        if not re.fullmatch(r"[A-Za-z0-9 ]{1,30}", asked["narration"]):
            return 400, refusal("The narration format is invalid.")
        if asked["fund_account"]["bank_account"]["account_number"].endswith("0000"):
            return 400, refusal("The bank account is invalid.")
        first, answer = self.keys.setdefault(key, (asked, payout(asked)))
        if first != asked:
            return 400, refusal("Different request body for the same idempotency key.")
        if answer not in self.payouts:
            self.payouts.append(answer)
        return 200, answer


def listed(items: list[Entity]) -> Entity:
    """Return a collection, the newest first."""
    return {"entity": "collection", "count": len(items), "items": items[::-1]}


def refusal(description: str) -> Entity:
    """Return what a request that is refused is answered."""
    return {
        "error": {
            "code": "BAD_REQUEST_ERROR",
            "description": description,
            "source": "business",
            "step": None,
            "reason": "input_validation_failed",
            "metadata": {},
        }
    }


class _Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, asked: Entity) -> None:
        key = self.headers.get("X-Payout-Idempotency", "")
        status, said = self.server.answer(self.command, self.path, key, asked)
        if self.headers.get("Authorization") != _AUTH:
            status, said = 401, refusal("Authentication failed")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
