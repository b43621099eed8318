"""The pages of withdrawing: the form, and one withdrawal as it goes its way."""

from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from onramp.models import BankAccount, OffRampTransaction
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import account, afresh, submitted, withdraw, word
from tests.onramp.pages import HTMX, add_account, signed_in, text, titles
from tests.onramp.support import post
from wallet import services as wallet_services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
URL, ACCOUNTS = "/withdraw/", "/withdraw/accounts/"
STRANGE = ["", "x", "\x00", "\ud800", "1e9", "१२३", "-5", "9" * 400]


@pytest.fixture
def ana() -> Wallet:
    return make_wallet(balance_minor=100_000, name="Ananya Rao")


@pytest.fixture
def browser(ana: Wallet) -> Client:
    return signed_in(ana)


def see(browser: Client, path: str, **extra: Any) -> HttpResponse:
    return cast(HttpResponse, browser.get(path, **extra))


def ask(browser: Client, to: BankAccount | None, **fields: Any) -> HttpResponse:
    """Post the form as a person does, but for the fields given."""
    data = {"amount": "300", "idempotency_key": str(uuid4())} | fields
    if to:
        data.setdefault("account", str(to.public_id))
    return cast(HttpResponse, browser.post(URL, data))


def page_of(offramp: OffRampTransaction, suffix: str = "") -> str:
    return f"/withdraw/{offramp.public_id}/{suffix}"


class TestTheForm:
    def test_asks_for_an_account_first(self, browser: Client) -> None:
        page = text(see(browser, URL))

        assert "Add a bank account" in page
        assert "How much?" not in page

    def test_shows_what_there_is_and_where_it_can_go(self, ana: Wallet, browser: Client) -> None:
        account(ana)
        withdraw(ana, 2_000)

        page = text(see(browser, URL))

        assert "You have ₹980.00 available, ₹20.00 on hold, ₹1,000.00 in all. No fee." in page
        assert "Banyan Bank •••• 4821" in page
        assert "500100204821" not in see(browser, URL).content.decode()
        assert "₹20.00" in page

    def test_holds_the_money_and_leads_to_the_withdrawal(
        self, ana: Wallet, browser: Client
    ) -> None:
        answer = ask(browser, account(ana))

        offramp = OffRampTransaction.objects.get()
        assert (answer.status_code, answer["Location"]) == (303, page_of(offramp))
        assert (available(ana), locked(ana)) == (70_000, 30_000)

    def test_sent_twice_is_one_withdrawal(self, ana: Wallet, browser: Client) -> None:
        to, key = account(ana), str(uuid4())

        first, second = (ask(browser, to, idempotency_key=key) for _ in range(2))

        assert first["Location"] == second["Location"]
        assert locked(ana) == 30_000

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"amount": "1000.01"}, "You have ₹1,000.00. Enter that or less."),
            ({"amount": "5"}, "Enter ₹10.00 or more."),
            ({"amount": "200000"}, "Enter ₹1,00,000.00 or less."),
            ({"amount": ""}, "Error"),
            ({"account": ""}, "Choose the account to withdraw to."),
            ({"idempotency_key": "x"}, "This page is out of date."),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(
        self, ana: Wallet, browser: Client, fields: dict[str, str], says: str
    ) -> None:
        answer = ask(browser, account(ana), **fields)

        assert answer.status_code == 422
        assert says in text(answer)
        assert titles(answer) == ["Error: Withdraw · NexaPay"]
        assert not OffRampTransaction.objects.exists()

    def test_takes_no_account_of_somebody_else(self, ana: Wallet, browser: Client) -> None:
        account(ana)

        assert ask(browser, account(make_wallet())).status_code == 422

        assert locked(ana) == 0

    def test_says_how_much_a_new_account_may_get(
        self, ana: Wallet, browser: Client, settings: Settings
    ) -> None:
        settings.PAYOUT_NEW_ACCOUNT_MAX_MINOR = 10_000
        add_account(browser)

        answer = ask(browser, BankAccount.objects.get())

        assert answer.status_code == 422
        assert "This account is new" in text(answer)

    def test_of_a_frozen_wallet_refuses(self, ana: Wallet, browser: Client) -> None:
        to = account(ana)
        wallet_services.set_status(wallet_id=ana.pk, status=Wallet.Status.FROZEN)

        assert "Your wallet is frozen" in text(see(browser, URL))
        assert ask(browser, to).status_code == 422

    @pytest.mark.parametrize("field", ["amount", "account", "idempotency_key"])
    @pytest.mark.parametrize("value", STRANGE)
    def test_survives_anything(self, ana: Wallet, browser: Client, field: str, value: str) -> None:
        body = f"{field}={value}".encode("utf-8", "surrogatepass")
        form = "application/x-www-form-urlencoded"

        assert browser.post(URL, body, content_type=form).status_code == 422

    @pytest.mark.parametrize("path", [URL, ACCOUNTS, f"{URL}{UUID(int=1)}/"])
    def test_is_for_whoever_is_signed_in(self, path: str) -> None:
        answer = cast(HttpResponse, Client().get(path))

        assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)


class TestOneWithdrawal:
    def test_can_be_cancelled_until_it_goes_to_the_bank(self, ana: Wallet, browser: Client) -> None:
        offramp = withdraw(ana)
        page = text(see(browser, page_of(offramp)))
        assert "You can cancel until" in page
        assert "Cancel this withdrawal" in page

        answer = cast(HttpResponse, browser.post(page_of(offramp, "cancel/")))

        assert (answer.status_code, answer["Location"]) == (303, page_of(offramp))
        assert "Withdrawal cancelled" in text(see(browser, page_of(offramp)))
        assert available(ana) == 100_000

    def test_cannot_be_cancelled_after_that(self, ana: Wallet, browser: Client) -> None:
        offramp = submitted(ana)
        assert "Cancel this withdrawal" not in text(see(browser, page_of(offramp)))

        browser.post(page_of(offramp, "cancel/"))

        assert "The bank has this already" in text(see(browser, page_of(offramp)))
        assert afresh(offramp).status == "submitted"

    @pytest.mark.parametrize(
        ("words", "title", "shown"),
        [
            ([], "Waiting for Banyan Bank", ["Sent to the bank", "Status: Processing"]),
            (["success"], "₹300.00 withdrawn", ["It was paid to Banyan Bank •••• 4821", "PAY-"]),
            (["failure"], "Banyan Bank did not pay this", ["account closed", "₹1,000.00"]),
            (
                ["success", "returned"],
                "Banyan Bank sent this back",
                ["In your wallet again", "account closed"],
            ),
        ],
    )
    def test_says_how_it_stands(
        self, ana: Wallet, browser: Client, words: list[str], title: str, shown: list[str]
    ) -> None:
        offramp = submitted(ana)
        for kind in words:
            post(word(offramp, kind))

        page = see(browser, page_of(offramp))

        assert titles(page) == [f"{title} · NexaPay"]
        assert [each for each in shown if each not in text(page)] == []

    def test_asks_again_by_itself_until_its_end_is_known(
        self, ana: Wallet, browser: Client
    ) -> None:
        offramp = submitted(ana)
        under_way = see(browser, page_of(offramp, "status/"), headers=HTMX).content.decode()
        post(word(offramp))

        ended = see(browser, page_of(offramp, "status/"), headers=HTMX).content.decode()

        assert 'hx-trigger="every 2s"' in under_way
        assert "hx-get" not in ended
        assert "<html" not in ended

    def test_is_reached_from_the_receipts_of_its_money(self, ana: Wallet, browser: Client) -> None:
        offramp = submitted(ana)
        post(word(offramp, "returned"))
        offramp = afresh(offramp)

        for transfer in (offramp.hold.transfer, offramp.transfer, offramp.return_transfer):
            assert transfer
            receipt = see(browser, f"/transactions/{transfer.public_id}/").content.decode()
            assert f'href="{page_of(offramp)}">See how it stands' in receipt

    def test_of_somebody_else_is_not_there(self, ana: Wallet) -> None:
        offramp, stranger = withdraw(ana), signed_in(make_wallet())

        for suffix in ("", "status/"):
            assert see(stranger, page_of(offramp, suffix)).status_code == 404
        assert stranger.post(page_of(offramp, "cancel/")).status_code == 404
        assert locked(ana) == 30_000

    def test_asks_the_database_six_times_at_most(
        self, ana: Wallet, browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        offramp = withdraw(ana)

        for path in (URL, page_of(offramp), ACCOUNTS):
            with django_assert_max_num_queries(6):
                see(browser, path)
