"""What moves between a wallet and a bank, or inside the wallet, reads well."""

import re
from typing import cast

import pytest
from django.http import HttpResponse

from tests.factories import capture, fund, hold, make_wallet, release
from tests.wallet.pages import sign_in
from tests.wallet.support import bank, movement, post, without_onramps
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db
_TAGS = re.compile("<[^>]+>")
ACCOUNT = "Banyan Bank •••• 4821"


@pytest.fixture
def ana() -> Wallet:
    without_onramps()
    return make_wallet(balance_minor=100_000)


def see(ana: Wallet, path: str) -> str:
    """Return what a person reads on the page."""
    answer = cast(HttpResponse, sign_in(ana).get(path))
    return " ".join(_TAGS.sub(" ", answer.content.decode()).split())


def page_of(ana: Wallet, transfer: Transfer) -> str:
    return see(ana, f"/transactions/{transfer.public_id}/")


class TestHistory:
    def test_tells_each_kind_in_its_own_words(self, ana: Wallet) -> None:
        held = hold(ana, 30_000)
        release(held, 10_000, note=ACCOUNT)
        capture(held, note=ACCOUNT)
        post(movement(bank(), ana, 5_000, kind=Transfer.Kind.RETURN, note=ACCOUNT))
        post(movement(bank(), ana, 700, kind=Transfer.Kind.CORRECTION))

        page = see(ana, "/transactions/")

        for words in (
            *("set aside for, On hold", "released from, Released", "withdrawn to, Withdrawn"),
            *("returned by, Returned by the bank", "Correction by NexaPay"),
        ):
            assert words in page
        assert page.count(ACCOUNT) >= 4
        assert "+₹50.00" in page

    def test_gives_no_sign_to_what_only_moved_inside(self, ana: Wallet) -> None:
        release(hold(ana, 31_300), 12_400)

        page = see(ana, "/transactions/")

        for amount in ("₹313.00", "₹124.00"):
            assert amount in page
            assert f"+{amount}" not in page
            assert f"\N{MINUS SIGN}{amount}" not in page

    @pytest.mark.parametrize(
        ("query", "shown", "hidden"),
        [
            ("direction=out", ["Withdrawn"], ["On hold", "Released"]),
            ("direction=in", [], ["On hold", "Released", "Withdrawn"]),
            ("kind=hold", ["On hold"], ["Withdrawn"]),
            ("kind=payout", ["Withdrawn"], ["On hold"]),
            ("kind=release", ["Released"], ["Withdrawn"]),
            ("q=4821", ["Withdrawn", "On hold"], []),
        ],
    )
    def test_finds_them(self, ana: Wallet, query: str, shown: list[str], hidden: list[str]) -> None:
        held = hold(ana, 30_000)
        release(held, 10_000, note=ACCOUNT)
        capture(held, note=ACCOUNT)

        page = see(ana, f"/transactions/?{query}")

        assert [words for words in shown if f", {words} ·" not in page] == []
        assert [words for words in hidden if f", {words} ·" in page] == []


class TestReceipt:
    def test_of_a_hold_says_that_the_money_is_still_there(self, ana: Wallet) -> None:
        page = page_of(ana, hold(ana, 30_000).transfer)

        assert f"Set aside for {ACCOUNT}" in page
        assert "What you can spend went from ₹1,000.00 to ₹700.00" in page
        assert "Available before ₹1,000.00" in page

    def test_of_a_payout_names_the_account(self, ana: Wallet) -> None:
        page = page_of(ana, capture(hold(ana, 30_000), note=ACCOUNT))

        assert f"Withdrawn to {ACCOUNT}" in page
        assert "Your balance went from ₹1,000.00 to ₹700.00" in page
        assert "Balance after ₹700.00" in page

    def test_of_money_added_says_what_it_said(self, ana: Wallet) -> None:
        page = page_of(ana, fund(ana, 500))

        assert "From Banyan Bank" in page
        assert "Added to your wallet" in page
