"""What these tests share: a press on Confirm, and the books."""

from collections.abc import Callable
from typing import TypeVar, cast
from uuid import UUID, uuid4

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.wallet.pages import sign_in
from wallet import audit
from wallet.drafts import Seen
from wallet.models import Wallet

_T = TypeVar("_T")
_PATIENCE = {"lock_timeout": "60s", "statement_timeout": "60s", "deadlock_timeout": "20ms"}


def confirm(
    payer: Wallet, payee: Wallet, amount_minor: int, *, key: UUID | None = None
) -> HttpResponse:
    """Press Confirm on a review page that shows these terms, as the payer, in a new browser."""
    return confirm_from(sign_in(payer), payer, payee, amount_minor, key=key)


def confirm_from(
    browser: Client, payer: Wallet, payee: Wallet, amount_minor: int, *, key: UUID | None = None
) -> HttpResponse:
    """Press Confirm in this browser."""
    key = key or uuid4()
    seen = Seen(
        user_id=cast(int, payer.owner_id),
        key=str(key),
        source_id=payer.pk,
        target_id=payee.pk,
        amount_minor=amount_minor,
        currency=payer.currency,
        note="",
    )
    address = reverse("wallet:send_review", args=[key])
    return cast(HttpResponse, browser.post(address, {"token": seen.sign()}))


def tab(browser: Client) -> Client:
    """Open another tab: the same session, for another thread."""
    opened = Client()
    opened.cookies.update(browser.cookies)
    return opened


def patiently(act: Callable[[], _T]) -> _T:
    """Run the act on a connection that waits its turn on the slowest machine, and sees deadlocks.

    Without this a busy machine would turn honest tests red, and a deadlock would take a second.
    """
    with connection.cursor() as cursor:
        for name, value in _PATIENCE.items():
            cursor.execute("SELECT set_config(%s, %s, false)", [name, value])
    return act()


def assert_books_agree() -> None:
    """Prove the books by every rule of check_ledger."""
    assert audit.run(clock=timezone.now).findings == []
