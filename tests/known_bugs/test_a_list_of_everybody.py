"""Student wallets: one request listed every user with phone and e-mail."""

from collections.abc import Iterable, Iterator
from string import ascii_lowercase

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from nexapay.kernel import throttle
from tests.factories import make_user
from tests.wallet.pages import ananya, sign_in
from tests.wallet.sending import text_of

pytestmark = pytest.mark.django_db
# Nothing, wildcards, and the pieces that phones and e-mails share.
NOT_ENOUGH = [
    "",
    "m",
    "@",
    "%%",
    "__",
    "+9197",
    "9700",
    "mail1@",
    "@example.com",
    "example",
    ".com",
]
# Beginnings of names and handles: these do find people.
ENOUGH = ["Mira", "@mi"]


@pytest.fixture
def strangers() -> list[User]:
    """Return twenty people whose names, phones and e-mails begin alike."""
    return [
        make_user(
            f"Mira {letter.upper()}",
            handle=f"mira.{letter}",
            phone=f"+9197000{number:05d}",
            email=f"mail{number}@example.com",
        )
        for number, letter in enumerate(ascii_lowercase[:20])
    ]


@pytest.fixture
def browser() -> Client:
    """Return the browser of somebody who has dealt with nobody yet, and all their tries."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM nexapay_throttle")
    return sign_in(ananya())


def assert_reveals_nothing(shown: str, strangers: list[User]) -> None:
    """See at most eight handles, and of phones and e-mails nothing."""
    assert sum(f"@{person.handle}<" in shown for person in strangers) <= 8
    assert "phone ends" not in shown
    for person in strangers:
        assert person.phone
        assert person.phone.removeprefix("+91") not in shown
        assert str(person.email) not in shown


def plain_addresses(patterns: Iterable[URLPattern | URLResolver], base: str = "/") -> Iterator[str]:
    """Return the addresses of the site that take no arguments."""
    for pattern in patterns:
        address = base + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from plain_addresses(pattern.url_patterns, address)
        elif not set("<(\\[?") & set(address):
            yield address


class TestAListOfEverybody:
    @pytest.mark.parametrize("page", ["/send/", "/send/people/"])
    def test_is_not_to_be_had_by_searching(
        self, browser: Client, strangers: list[User], page: str
    ) -> None:
        for query in [*NOT_ENOUGH, *ENOUGH]:
            shown = text_of(browser.get(page, {"q": query}))
            assert_reveals_nothing(shown, strangers)
            assert ("Mira" in shown) == (query in ENOUGH), query

    def test_is_not_to_be_had_by_patience(self, browser: Client) -> None:
        """Sixty searches a minute; all but the last two are counted here without a page."""
        user_id = browser.session["_auth_user_id"]
        for _ in range(59):
            throttle.allow(scope="people", key=user_id, limit=60, window_s=60)

        answers = [browser.get("/send/people/", {"q": "mi"}).status_code for _ in range(2)]

        assert answers == [200, 429]

    def test_is_on_no_page_of_ours(self, browser: Client) -> None:
        """Every address that needs nothing filled in, opened by somebody who is not staff."""
        stranger = make_user(phone="+919700012345", email="mail1@example.com")
        addresses = list(plain_addresses(get_resolver().url_patterns))
        assert {"/", "/dashboard/", "/send/people/", "/admin/accounts/user/"} <= set(addresses)

        for address in addresses:
            shown = text_of(browser.get(address))
            assert str(stranger.email) not in shown, address
            assert "9700012345" not in shown, address
