"""What the tests of pages share: somebody signed in, and the texts that break careless forms."""

from uuid import uuid4

from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.factories import make_wallet
from wallet.models import Wallet

# Each is refused as an amount, a person, a day or a choice; none may ever become a 500.
HOSTILE: dict[str, str | bytes] = {
    "nan": "NaN",
    "infinity": "Infinity",
    "exponent": "1e9",
    "negative": "-5",
    "fullwidth": "\uff11\uff12\uff13",
    "arabic": "\u0663\u0664",
    "huge": "1" + "0" * 30,
    "underscore": "1_000",
    "nul": "a\x00b",
    "control": "a\x07b",
    "newline": "a\nb",
    "rtl_override": "abc\u202egpj.exe",
    "zero_width": "pay\u200bpal",
    "lone_surrogate": b"a\xed\xa0\x80b",
    "bad_utf8": b"\xff\xfe",
    "long": "x" * 5_000,
    "sql": "' OR 1=1 --",
    "template": "{{ 7|add:7 }}{% debug %}",
    "array": "[1, 2]",
    "json": '{"a": 1}',
}


def sign_in(wallet: Wallet) -> Client:
    """Return a client that the wallet's owner is signed in with, through a real session."""
    assert wallet.owner is not None
    client = Client()
    client.force_login(wallet.owner)
    return client


def ananya(*, balance_minor: int = 100_000) -> Wallet:
    """Return the wallet of the person who pays."""
    return make_wallet(balance_minor=balance_minor, name="Ananya Rao", handle="ananya")


def kabir() -> Wallet:
    """Return the wallet of the person who is paid."""
    return make_wallet(name="Kabir Mehta", handle="kabir", phone="+919845064407")


def owner(wallet: Wallet) -> User:
    """Return whose the wallet is."""
    assert wallet.owner is not None
    return wallet.owner


def asked(**fields: object) -> dict[str, object]:
    """Return what the form of /send/ posts, with these fields instead; None leaves one out."""
    key = str(uuid4())
    given = {"to": "@kabir", "amount": "250", "note": "Tea", "idempotency_key": key, **fields}
    return {name: value for name, value in given.items() if value is not None}


def review_url(fields: dict[str, object]) -> str:
    """Return where a payment with these fields is checked."""
    return reverse("wallet:send_review", args=[fields["idempotency_key"]])
