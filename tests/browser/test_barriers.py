"""No page keeps anybody out: axe-core finds nothing, and nothing is wider than the screen."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from accounts.models import User
from tests.browser.barriers import barriers
from tests.browser.visitor import Visitor, deliver
from tests.factories import make_wallet, send
from tests.onramp.offramps import account, submitted, withdraw, word
from tests.onramp.support import post
from tests.wallet.published import may_sign, publish
from wallet.models import Wallet

LONG = "Venkatanarasimharajuvaripeta Subrahmanyeswara Balasubramaniam"


class Tour:
    """Goes from page to page and keeps what is wrong with each."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.found: list[str] = []

    def look(self, name: str) -> None:
        """Look at the page that is open."""
        self.found += barriers(self.visitor.page, name)

    def visit(self, *addresses: str) -> None:
        """Open each page and look at it."""
        for address in addresses:
            self.visitor.go(address)
            self.look(address)


@pytest.fixture
def tour(visitor: Visitor) -> Tour:
    return Tour(visitor)


@pytest.fixture
def friend() -> Wallet:
    return make_wallet(name="Kabir Mehta", handle="kabir")


@pytest.fixture
def busy(visitor: Visitor, friend: Wallet) -> Wallet:
    """Somebody with a past, signed in."""
    wallet = make_wallet(name=LONG, handle="venkat", balance_minor=9_99_99_999_00)
    send(wallet, friend, 1_00_000_00, note="Rent 🏠")
    send(friend, wallet, 99_999_99, note="شكرا جزيلا")
    send(wallet, make_wallet(name=LONG[::-1], handle="olav"), 1, note="W" * 280)
    visitor.arrive_with(wallet)
    return wallet


@pytest.fixture
def newcomer(visitor: Visitor) -> Wallet:
    """Somebody without a past, signed in."""
    wallet = make_wallet(name="Nila Sen", handle="nila")
    visitor.arrive_with(wallet)
    return wallet


class TestNoBarriers:
    @pytest.mark.usefixtures("db")
    def test_at_the_door(self, tour: Tour, settings: Settings) -> None:
        tour.visit("/accounts/password/reset/")
        settings.SENDS_MAIL = True
        tour.visit("/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")
        tour.visit("/accounts/password/reset/done/", "/accounts/password/reset/key/1-abc/")
        tour.visit("/accounts/inactive/", "/accounts/password/reset/key/done/")
        tour.visit("/ledger/checkpoints/")
        tour.visitor.sign_in(login="nobody@example.com", password="not-this-one")
        tour.visitor.sees_heading("Sign in")
        tour.look("sign-in refused")
        tour.visitor.sign_up(name="", phone="12", password="short")
        tour.visitor.sees("There is a problem")
        tour.look("sign-up refused")
        assert tour.found == []

    def test_where_the_way_ends(self, tour: Tour, settings: Settings) -> None:
        visitor = tour.visitor
        tour.visit("/no-such-page/")
        visitor.go("/accounts/login/")
        visitor.page.context.clear_cookies()
        visitor.press("Sign in")
        visitor.sees_heading("This form is out of date")
        tour.look("403")
        settings.SIGN_INS_PER_MINUTE = 0
        visitor.sign_in(login="nobody@example.com", password="not-this-one")
        visitor.sees_heading("That was too many tries")
        tour.look("429")
        assert tour.found == []

    @pytest.mark.usefixtures("newcomer")
    def test_for_a_newcomer(self, tour: Tour) -> None:
        tour.visit("/dashboard/", "/send/", "/transactions/", "/notices/")
        assert tour.found == []

    def test_while_withdrawing(self, tour: Tour, busy: Wallet) -> None:
        tour.visit("/withdraw/")
        to = account(busy, holder=LONG)
        asked, paid = withdraw(busy, 99_999_99, to=to), submitted(busy, to=to)
        post(word(paid))
        for address in ("", "accounts/", f"{asked.public_id}/", f"{paid.public_id}/"):
            tour.visit(f"/withdraw/{address}")
        assert tour.found == []

    def test_in_what_the_ledger_publishes(
        self, tour: Tour, busy: Wallet, settings: Settings, tmp_path: Path
    ) -> None:
        may_sign(settings, tmp_path)
        publish()
        later = send(busy, make_wallet(), 1)
        tour.visit("/ledger/checkpoints/", f"/transactions/{later.public_id}/proof/")
        assert tour.found == []

    @pytest.mark.usefixtures("busy")
    def test_at_home_and_in_the_history(self, tour: Tour) -> None:
        tour.visit("/dashboard/", "/transactions/", "/transactions/?q=nothing-like-it")
        tour.visit("/notices/")
        tour.visit("/transactions/?kind=never&direction=in")
        tour.visitor.go("/transactions/")
        rows = tour.visitor.page.locator("#results .tx").all()[:2]
        tour.visit(*[row.get_attribute("href") or "" for row in rows])
        assert tour.found == []

    def test_in_the_settings(self, tour: Tour, busy: Wallet, settings: Settings) -> None:
        settings.SENDS_MAIL = True
        User.objects.filter(wallets=busy).update(email="venkat@example.com")
        tour.visit("/settings/", "/settings/profile/", "/accounts/password/change/")
        tour.visit("/accounts/logout/")
        tour.visitor.go("/settings/profile/")
        tour.visitor.fill("Handle", "no spaces")
        tour.visitor.press("Save")
        tour.visitor.sees("There is a problem")
        tour.look("profile refused")
        assert tour.found == []

    @pytest.mark.usefixtures("newcomer")
    def test_on_the_way_from_the_bank(self, tour: Tour) -> None:
        visitor = tour.visitor
        tour.visit("/add-money/")
        visitor.press("Continue to your bank")
        visitor.sees("Nothing was taken yet")
        tour.look("add money refused")
        tour.visit("/bank/scenarios/")
        address = self.ask(visitor)
        visitor.page.get_by_text("Misbehave", exact=True).click()
        tour.look("the bank's page")
        visitor.press(re.compile("Approve"))
        visitor.sees_heading("Waiting for Lotus Savings")
        tour.look("waiting")
        deliver()
        visitor.sees_heading("₹1,234.50 added")
        tour.look("added")
        tour.visit(address)
        self.ask(visitor)
        visitor.press("Decline")
        deliver()
        visitor.sees_heading("Lotus Savings declined this")
        tour.look("declined")
        assert tour.found == []

    def ask(self, visitor: Visitor) -> str:
        """Go to the bank's page; return its address."""
        visitor.go("/dashboard/")
        visitor.ask_bank(amount="1,234.50", bank="Lotus Savings")
        return visitor.page.url

    @pytest.mark.usefixtures("busy")
    def test_on_the_way_to_a_friend(self, tour: Tour) -> None:
        visitor = tour.visitor
        make_wallet(name="Kabira Rao", handle="kabira")
        tour.visit("/send/", "/send/?q=kab", "/send/?q=nobody-here", "/send/?to=@nobody-here")
        tour.visit("/send/?to=@kabira", f"/send/review/{uuid4()}/")
        visitor.go("/send/?to=@kabira")
        visitor.offer(amount="99,99,99,999")
        visitor.sees(re.compile("Enter ₹.* or less"))
        tour.look("amount refused")
        visitor.offer(amount="250", note="Books")
        visitor.sees_heading("Check and send")
        tour.look("review")
        visitor.press("Send ₹250.00")
        visitor.sees_heading("Sent to Kabira Rao")
        tour.look("receipt")
        assert tour.found == []
