"""Sending: once and only once, whatever somebody does to the page."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.factories import available, make_wallet
from wallet.models import Wallet


@pytest.fixture
def kabir() -> Wallet:
    return make_wallet(name="Kabir Mehta", handle="kabir")


@pytest.fixture
def nila(either: Visitor) -> Visitor:
    """Somebody with ₹1,000.00, with JavaScript and without."""
    either.arrive_with(make_wallet(name="Nila Sen", balance_minor=1_000_00))
    return either


def review(visitor: Visitor, *, amount: str = "300") -> None:
    visitor.go("/send/?to=@kabir")
    visitor.offer(amount=amount, note="Cab")
    visitor.sees_heading("Check and send")


class TestSend:
    def test_pressed_twice_moves_money_once(self, nila: Visitor, kabir: Wallet) -> None:
        review(nila)
        nila.page.get_by_role("button", name="Send ₹300.00").dblclick()
        nila.sees_heading("Sent to Kabir Mehta")
        assert available(kabir) == 300_00

    def test_from_a_stale_page_or_after_going_back_leads_to_the_same_receipt(
        self, nila: Visitor, kabir: Wallet
    ) -> None:
        review(nila)
        stale = nila.another_window()
        stale.go(nila.page.url)
        for window in (nila, stale):
            window.press("Send ₹300.00")
            window.sees_heading("Sent to Kabir Mehta")
        receipt = nila.page.url
        assert stale.page.url == receipt

        nila.page.go_back()
        nila.sees_heading("Payment to Kabir Mehta")
        assert nila.page.url == receipt.removesuffix("?new=1")
        assert available(kabir) == 300_00

    @pytest.mark.parametrize("either", ["with scripts"], indirect=True)
    def test_cut_off_says_that_it_does_not_know(self, nila: Visitor, kabir: Wallet) -> None:
        review(nila)
        nila.watch.forgives("ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest")
        nila.page.context.set_offline(True)
        nila.press("Send ₹300.00")
        nila.sees("We could not hear back")
        nila.page.context.set_offline(False)
        nila.press("Send ₹300.00")
        nila.sees_heading("Sent to Kabir Mehta")
        assert available(kabir) == 300_00


class TestAmount:
    def test_over_the_balance_is_refused_beside_the_field(
        self, nila: Visitor, kabir: Wallet
    ) -> None:
        nila.go("/send/?to=@kabir")
        nila.offer(amount="1,000.01", note="Cab")
        nila.sees(re.compile("That is ₹0.01 more than you have."))
        amount = nila.page.get_by_label("How much?", exact=True)
        expect(amount).to_be_focused()
        expect(amount).to_have_value("1,000.01")
        expect(nila.page.get_by_label("What is it for?")).to_have_value("Cab")
        nila.offer(amount="1000")
        nila.press("Send ₹1,000.00")
        nila.sees_heading("Sent to Kabir Mehta")
        nila.sees("Cab")
        assert available(kabir) == 1_000_00

    @pytest.mark.parametrize("either", ["with scripts"], indirect=True)
    def test_is_filled_by_a_chip_and_grouped_when_left(self, nila: Visitor, kabir: Wallet) -> None:
        nila.go("/send/?to=@kabir")
        nila.press("₹2,000")
        amount = nila.page.get_by_label("How much?", exact=True)
        expect(amount).to_have_value("2,000")
        amount.fill("123456.5")
        amount.blur()
        expect(amount).to_have_value("1,23,456.50")
