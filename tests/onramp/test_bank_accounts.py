"""The page of the accounts one withdraws to: added, shown, removed."""

from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from onramp import withdraw_views
from onramp.models import BankAccount
from tests.factories import make_wallet
from tests.onramp.offramps import account
from tests.onramp.pages import add_account, signed_in, text
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
URL, ACCOUNTS = "/withdraw/", "/withdraw/accounts/"


@pytest.fixture
def ana() -> Wallet:
    return make_wallet(balance_minor=100_000, name="Ananya Rao")


@pytest.fixture
def browser(ana: Wallet) -> Client:
    return signed_in(ana)


def see(browser: Client, path: str, **extra: Any) -> HttpResponse:
    return cast(HttpResponse, browser.get(path, **extra))


class TestAccounts:
    def test_are_added_and_offered(self, ana: Wallet, browser: Client) -> None:
        answer = add_account(browser)

        assert (answer.status_code, answer["Location"]) == (303, URL)
        assert BankAccount.objects.get().number == "500100204821"
        assert "Banyan Bank •••• 4821" in text(see(browser, URL))

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"again": "500100204822"}, "The two numbers differ."),
            ({"number": "123", "again": "123"}, "9 to 18 digits"),
            ({"number": "", "again": ""}, "Enter the account number"),
            ({"holder": ""}, "Enter the name on the account."),
            ({"bank": "none"}, "Choose the bank of the account."),
            ({"number": "१२३४५६७८९०"}, "9 to 18 digits"),
        ],
    )
    def test_with_something_wrong_are_not_added(
        self, browser: Client, fields: dict[str, str], says: str
    ) -> None:
        answer = add_account(browser, **fields)

        assert answer.status_code == 422
        assert says in text(answer)
        assert not BankAccount.objects.exists()

    def test_are_added_and_removed_thirty_times_a_day_at_most(
        self, browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(withdraw_views, "_ADDED_PER_DAY", 1)
        add_account(browser)

        answer = add_account(browser, number="600100204821", again="600100204821")

        assert answer.status_code == 422
        assert "You added many accounts today." in text(answer)
        assert BankAccount.objects.count() == 1

    def test_are_removed(self, ana: Wallet, browser: Client) -> None:
        mine = account(ana)

        answer = browser.post(reverse("onramp:account_remove", args=[mine.public_id]))

        assert answer.status_code == 303
        assert "4821" not in text(see(browser, ACCOUNTS))

    def test_of_others_are_neither_shown_nor_removed(self, ana: Wallet, browser: Client) -> None:
        theirs = account(make_wallet(), number="600100209999")

        answer = browser.post(reverse("onramp:account_remove", args=[theirs.public_id]))

        assert answer.status_code == 404
        theirs.refresh_from_db()
        assert theirs.removed_at is None
        assert "9999" not in text(see(browser, ACCOUNTS)).replace("end in 9999", "")

    def test_show_hostile_names_as_text(self, ana: Wallet, browser: Client) -> None:
        account(ana, holder='"><script>alert(1)</script>')

        for path in (URL, ACCOUNTS):
            assert "<script>alert" not in see(browser, path).content.decode()
