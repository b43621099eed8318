"""What a bank must offer us, the one we use, and the banks people choose among."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Protocol

import httpx
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from standardwebhooks.webhooks import hmac_data

TOLERANCE_S = 300
_TIMEOUT = httpx.Timeout(4, connect=1)
_EVENT_ID = re.compile(r"[A-Za-z0-9._:@+/=~-]{1,128}")
_STAMP = re.compile(r"[0-9]{1,12}")
_MAX_SIGNATURES = 10
_MAX_HEADER = 2_000


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A bank a person may choose. Its name is its settlement wallet's too: never change it."""

    code: str
    name: str
    account: str


CHOICES = {
    choice.code: choice
    for choice in (
        Choice(code="banyan", name="Banyan Bank", account="Savings •••• 4821"),
        Choice(code="harbour", name="Harbour Bank", account="Salary •••• 0936"),
        Choice(code="lotus", name="Lotus Savings", account="Everyday •••• 7750"),
    )
}


def name_of(code: str) -> str:
    """Return a bank's name; of one we no longer offer, its code."""
    return CHOICES[code].name if code in CHOICES else code


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What we ask a bank to take from its customer. amount_minor is in minor units of currency."""

    token: str
    amount_minor: int
    currency: str
    bank: str
    reference: str
    expires_at: datetime
    return_url: str


class BankUnreachable(Exception):
    """The bank did not answer as agreed. Whether it knows the payment is unknown; ask again."""


class Forged(Exception):
    """Nothing proves that the bank sent this."""


class OddEventId(Exception):
    """The bank sent it, under a webhook-id that we cannot keep."""


class Bank(Protocol):
    """A way to reach banks. An adapter may speak for many."""

    name: str

    def create_payment(self, payment: Payment) -> str:
        """
        Make the payment known to the bank, once for each token; return where it is approved.

        :raises BankUnreachable: if the bank did not say that it knows the payment.
        """

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """
        Return the event's id, if the bank signed this body within TOLERANCE_S of now.

        :raises Forged: if it did not.
        :raises OddEventId: if it did, under an id of odd characters or over 128 of them.
        """


def get_bank() -> Bank:
    """
    Return the bank that settings.BANK names.

    :raises ImproperlyConfigured: if there is none of that name.
    """
    if settings.BANK != "simbank":
        raise ImproperlyConfigured(f"BANK is {settings.BANK!r}; it must be simbank.")
    return SimBank(
        api_url=settings.BANK_API_URL,
        api_key=settings.BANK_API_KEY,
        secrets=settings.BANK_WEBHOOK_SECRETS,
    )


class SimBank:
    """The simulated bank, spoken to over HTTP like any other."""

    name = "simbank"

    def __init__(self, *, api_url: str, api_key: str, secrets: list[str]) -> None:
        self._api_url = api_url
        self._api_key = api_key
        self._keys = [_key(secret) for secret in secrets]

    def create_payment(self, payment: Payment) -> str:
        asked = {
            "token": payment.token,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "bank": payment.bank,
            "reference": payment.reference,
            "expires_at": payment.expires_at.isoformat(),
            "return_url": payment.return_url,
        }
        try:
            with httpx.Client(timeout=_TIMEOUT, trust_env=False) as client:
                answer = client.post(
                    f"{self._api_url}/api/payments",
                    json=asked,
                    headers={"Authorization": f"Bearer {self._api_key}"},
                )
        except httpx.HTTPError as error:
            raise BankUnreachable("no answer") from error
        if answer.status_code not in (200, 201):
            raise BankUnreachable(f"answered {answer.status_code}")
        return reverse("simbank:pay", args=[payment.token])

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        event_id, stamp, offered = (
            _header(headers, f"webhook-{part}") for part in ("id", "timestamp", "signature")
        )
        if not _STAMP.fullmatch(stamp) or abs(now.timestamp() - int(stamp)) > TOLERANCE_S:
            raise Forged("timestamp")
        if not any(_signs(key, event_id, stamp, body, offered) for key in self._keys):
            raise Forged("signature")
        if not _EVENT_ID.fullmatch(event_id):
            raise OddEventId
        return event_id


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_") + "==")
    except ValueError as error:
        raise ImproperlyConfigured(
            "BANK_WEBHOOK_SECRET holds a secret that is not base64."
        ) from error


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not 0 < len(value) <= _MAX_HEADER or not value.isascii() or not value.isprintable():
        raise Forged(name)
    return value


def _signs(key: bytes, event_id: str, stamp: str, body: bytes, offered: str) -> bool:
    # On bytes: the library's own verify() reads the body as text, takes a timestamp's full-width
    # digits and fails on a signature without a comma. Its way of signing is what we check.
    expected = hmac_data(key, b".".join([event_id.encode(), stamp.encode(), body]))
    return any(
        compare_digest(expected, signature)
        for signature in map(_signature, offered.split(" ", _MAX_SIGNATURES)[:_MAX_SIGNATURES])
    )


def _signature(versioned: str) -> bytes:
    version, _, text = versioned.partition(",")
    try:
        return base64.b64decode(text, validate=True) if version == "v1" else b""
    except ValueError:
        return b""
