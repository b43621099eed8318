"""How NexaPay looks to a person, and that it remembers."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.factories import make_wallet, send

FIGURE = re.compile(r"₹\s*\d")


@pytest.fixture
def nila(either: Visitor) -> Visitor:
    wallet = make_wallet(name="Nila Sen", balance_minor=1_000_00)
    send(wallet, make_wallet(name="Kabir Mehta"), 250_00)
    either.arrive_with(wallet)
    return either


class TestTheme:
    def test_survives_a_reload(self, nila: Visitor) -> None:
        nila.go("/settings/")
        nila.page.locator("#main").get_by_role("radio", name="Dark").check()
        if not nila.has_scripts:
            nila.page.locator("#main").get_by_role("button", name="Use this theme").click()
        root = nila.page.locator("html")
        expect(root).to_have_attribute("data-theme", "dark")
        nila.page.reload()
        expect(root).to_have_attribute("data-theme", "dark")
        expect(nila.page.locator("#main").get_by_role("radio", name="Dark")).to_be_checked()


class TestPrivacyEye:
    def test_hides_every_amount_until_it_is_pressed_again(self, nila: Visitor) -> None:
        nila.go("/dashboard/")
        assert FIGURE.search(nila.page.locator("main").inner_text())
        nila.press("Hide amounts")
        nila.sees("₹\u2009••••")
        for address in ("/dashboard/", "/transactions/"):
            nila.go(address)
            assert not FIGURE.search(nila.page.locator("body").inner_text())
            # What a screen reader is given.
            assert not FIGURE.search(nila.page.locator("body").aria_snapshot())
        nila.press("Hide amounts")
        nila.sees("+₹1,000.00")
