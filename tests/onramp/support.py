"""A bank's side of the wire, for tests: messages as a bank writes and signs them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from onramp.services import Delivery
from tests.factories import make_wallet
from wallet.models import Wallet

URL = "/webhooks/bank/"


def start(
    wallet: Wallet | None = None, amount_minor: int = 50_000, **fields: Any
) -> OnRampTransaction:
    """Ask Banyan Bank for money, as its owner would."""
    wallet = wallet or make_wallet()
    assert wallet.owner_id is not None
    arguments: dict[str, Any] = {
        "actor_id": wallet.owner_id,
        "wallet_id": wallet.pk,
        "amount_minor": amount_minor,
        "bank": "banyan",
        "idempotency_key": uuid4(),
        "now": timezone.now(),
    }
    return services.start_onramp(**arguments | fields)


def message(onramp: OnRampTransaction, kind: str = "success", **data: Any) -> dict[str, Any]:
    """Return what a bank says of an on-ramp; a field set to ... is left out."""
    said: dict[str, Any] = {
        "token": onramp.token,
        "amount_minor": onramp.amount_minor,
        "currency": onramp.currency,
        "bank_reference": f"BNY-{onramp.pk}",
        "reason": None if kind == "success" else "declined by customer",
        **data,
    }
    said = {name: value for name, value in said.items() if value is not ...}
    return {"type": f"onramp.{kind}", "timestamp": "2026-11-20T10:00:00Z", "data": said}


def told(onramps: Iterable[OnRampTransaction], **data: Any) -> list[Delivery]:
    """Return one good success for each, as it lies before the services."""
    return [
        Delivery(f"evt-{onramp.pk}", json.dumps(message(onramp, **data)).encode(), {})
        for onramp in onramps
    ]


def signed(
    body: bytes,
    *,
    event_id: str | None = None,
    at: datetime | None = None,
    secret: str = "",
) -> dict[str, str]:
    """Return the headers of a bank that signs the body, by the library that banks use."""
    event_id = event_id or f"evt_{uuid4().hex}"
    at = (at or timezone.now()).astimezone(UTC)
    hook = Webhook(secret or settings.BANK_WEBHOOK_SECRETS[0])
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": hook.sign(event_id, at, body.decode()),
    }


def post(
    said: dict[str, Any] | bytes, *, event_id: str | None = None, client: Client | None = None
) -> HttpResponse:
    """Post a message as the bank does: signed, now."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return post_raw(body, signed(body, event_id=event_id), client=client)


def post_raw(body: bytes, headers: dict[str, str], *, client: Client | None = None) -> HttpResponse:
    """Post exactly this."""
    client = client or Client()
    answer = client.post(
        URL,
        body,
        content_type="application/json",
        headers=headers,
        CONTENT_LENGTH=str(len(body)),  # The test client gives an empty body none.
    )
    return cast(HttpResponse, answer)


def answered(response: HttpResponse) -> tuple[int, Any]:
    """Return the answer's status and its body."""
    return response.status_code, json.loads(response.content)


def refused(response: HttpResponse) -> tuple[int, str]:
    """Return the answer's status and the refusal in it."""
    return response.status_code, json.loads(response.content)["error"]


def statuses() -> list[str]:
    """Return what became of each event in the inbox, in the order they came."""
    return list(BankEvent.objects.order_by("pk").values_list("status", flat=True))


def deliver(said: dict[str, Any] | bytes, *, event_id: str | None = None) -> HttpResponse:
    """Post as a bank does: what was answered "busy" is sent again, under the same id."""
    event_id = event_id or f"evt_{uuid4().hex}"
    for _ in range(50):
        answer = post(said, event_id=event_id)
        if answer.status_code != 503:
            break
    return answer


def codes(outcomes: list[HttpResponse | Exception]) -> list[int]:
    """Return the statuses of the answers, sorted; every outcome must be one."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert errors == [], errors
    return sorted(o.status_code for o in outcomes if isinstance(o, HttpResponse))


def refuses(sql: str, *parameters: Any, says: str) -> None:
    """Show that the database refuses a statement, and what it says then."""
    with (
        pytest.raises(DatabaseError, match=says),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, parameters)
