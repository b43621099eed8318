"""Student wallets: the history was kept in a cache, and lost rows once that was emptied."""

from datetime import timedelta

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from tests.factories import fund, make_wallet, send
from tests.wallet.histories import notes_of
from tests.wallet.pages import sign_in

pytestmark = pytest.mark.django_db


def empty_every_cache() -> None:
    for cache in caches.settings:
        caches[cache].clear()


def all_notes(browser: Client) -> list[str]:
    """Return the notes of the whole history, page by page; every cache is emptied before each."""
    notes, query = [], "?"
    while query:
        empty_every_cache()
        page = browser.get(f"/transactions/{query}")
        notes += notes_of(page)
        query = page.context["next_url"]
    return notes


class TestHistory:
    def test_is_whole_whenever_the_caches_are_emptied(self) -> None:
        ana, ben, start = make_wallet(), make_wallet(), timezone.now() - timedelta(hours=1)
        fund(ana, 10_000, at=start)
        for number in range(44):
            send(ana, ben, 100, note=f"n{number}", at=start + timedelta(minutes=number))
        browser = sign_in(ana)
        browser.get("/transactions/")  # Whatever would be kept is kept now.
        send(ana, ben, 100, note="newest")

        assert all_notes(browser) == [
            "newest",
            *(f"n{number}" for number in reversed(range(44))),
            "Added",
        ]
