"""Adding money, where it does not go straight: refused, declined, left half way."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor, deliver
from tests.factories import available, make_wallet
from wallet.models import Wallet


@pytest.fixture
def wallet(visitor: Visitor) -> Wallet:
    wallet = make_wallet(name="Nila Sen", handle="nila")
    visitor.arrive_with(wallet)
    visitor.go("/dashboard/")
    return wallet


class TestWaitingPage:
    def test_turns_to_success_and_brings_the_reader_along(
        self, visitor: Visitor, wallet: Wallet
    ) -> None:
        visitor.ask_bank(amount="2000", bank="Banyan Bank")
        visitor.press("Approve ₹2,000.00")
        visitor.sees_heading("Waiting for Banyan Bank")
        deliver()
        expect(visitor.heading("₹2,000.00 added")).to_be_focused()
        expect(visitor.page).to_have_title("₹2,000.00 added · NexaPay")
        # Settled, so there is nothing left to ask for.
        expect(visitor.page.locator("#onramp")).not_to_have_attribute("hx-get", re.compile("."))

    def test_says_that_the_bank_declined(self, visitor: Visitor, wallet: Wallet) -> None:
        visitor.ask_bank(amount="2000", bank="Banyan Bank")
        visitor.press("Decline")
        deliver()
        visitor.sees_heading("Banyan Bank declined this")
        visitor.sees("No money was taken, and nothing was added to your wallet.")
        visitor.go("/transactions/")
        expect(visitor.page.locator("#results .tx")).to_contain_text("Failed")
        assert available(wallet) == 0

    def test_may_be_closed_and_opened_again(self, visitor: Visitor, wallet: Wallet) -> None:
        visitor.ask_bank(amount="2000", bank="Banyan Bank")
        visitor.press("Approve ₹2,000.00")
        visitor.sees_heading("Waiting for Banyan Bank")
        address = visitor.page.url
        visitor.page.goto("about:blank")
        deliver()
        visitor.go(address)
        visitor.sees_heading("₹2,000.00 added")
        assert available(wallet) == 2_000_00

    def test_leads_back_to_the_bank_until_it_is_approved(
        self, visitor: Visitor, wallet: Wallet
    ) -> None:
        visitor.ask_bank(amount="2000", bank="Banyan Bank")
        visitor.go("/transactions/")
        visitor.page.locator("#results .tx").click()
        visitor.press("Continue to the bank")
        visitor.press("Approve ₹2,000.00")
        deliver()
        visitor.sees_heading("₹2,000.00 added")
        assert available(wallet) == 2_000_00


class TestForm:
    def test_keeps_what_was_typed_and_says_what_is_wrong(self, either: Visitor) -> None:
        either.arrive_with(make_wallet())
        either.go("/add-money/")
        either.fill("How much?", "5")
        either.page.get_by_text("Lotus Savings").click()
        either.press("Continue to your bank")
        expect(either.page.get_by_role("alert")).to_be_focused()
        expect(either.page.get_by_label("How much?", exact=True)).to_have_value("5")
        expect(either.page.get_by_role("radio", name="Lotus Savings")).to_be_checked()
