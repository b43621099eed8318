"""What the tests of the on-ramp's pages share."""

import re
from typing import Any, cast
from uuid import uuid4

from django.http import HttpResponse
from django.test import Client

from onramp.models import OnRampTransaction
from wallet.models import Wallet

HTMX = {"HX-Request": "true"}


def signed_in(wallet: Wallet) -> Client:
    """Return a client that the wallet's owner is signed in with."""
    client = Client()
    assert wallet.owner
    client.force_login(wallet.owner)
    return client


def ask(client: Client, **fields: Any) -> HttpResponse:
    """Post the form as a person does, but for the fields given."""
    data = {"amount": "500", "bank": "banyan", "idempotency_key": str(uuid4())} | fields
    return cast(HttpResponse, client.post("/add-money/", data))


def text(response: HttpResponse) -> str:
    """Return the page's words, as they are read."""
    words = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(words.split())


def titles(response: Any) -> list[str]:
    """Return the titles in the answer: a page has one, a fragment one or none."""
    return re.findall(r"<title>(.*?)</title>", response.content.decode())


def page_of(onramp: OnRampTransaction, suffix: str = "") -> str:
    """Return the address of the on-ramp's page, or of one below it."""
    return f"/add-money/{onramp.public_id}/{suffix}"


def add_account(browser: Client, **fields: str) -> HttpResponse:
    """Post the form of a new bank account as a person does, but for the fields given."""
    number = {"number": "5001 0020 4821", "again": "500100204821"}
    data = {"bank": "banyan", "holder": "Ananya Rao"} | number | fields
    return cast(HttpResponse, browser.post("/withdraw/accounts/", data))
