"""Student wallets: paying -100 took 100 from the payee."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from onramp import services as onramp_services
from tests.factories import available, make_wallet, send
from tests.known_bugs.support import confirm
from tests.onramp.pages import ask
from tests.onramp.support import message, post, start
from tests.wallet.forge import pay
from tests.wallet.pages import asked, sign_in
from wallet import services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
PAIR = tuple[Wallet, Wallet]


@pytest.fixture
def pair() -> PAIR:
    """Return a payer, and a payee who has something to lose."""
    return make_wallet(balance_minor=500), make_wallet(balance_minor=500, handle="kabir")


def assert_nothing_moved(pair: PAIR) -> None:
    assert [available(wallet) for wallet in pair] == [500, 500]


class TestAnAmountBelowZero:
    @pytest.mark.parametrize("typed", ["-1", "-1.00", "\N{MINUS SIGN}1", "(1)", "1-"])
    def test_is_no_amount_in_a_form(self, pair: PAIR, typed: str) -> None:
        browser = sign_in(pair[0])

        assert browser.post("/send/", asked(amount=typed)).status_code == 422
        assert ask(browser, amount=typed).status_code == 422
        assert_nothing_moved(pair)

    @pytest.mark.parametrize("amount_minor", [-100, 0])
    def test_is_refused_on_a_review_page_that_we_signed(
        self, pair: PAIR, amount_minor: int
    ) -> None:
        assert confirm(*pair, amount_minor).status_code == 422
        assert_nothing_moved(pair)

    @pytest.mark.parametrize("amount_minor", [-100, 0])
    def test_is_refused_by_the_services(self, pair: PAIR, amount_minor: int) -> None:
        with pytest.raises(services.AmountOutOfRange):
            send(*pair, amount_minor)
        with pytest.raises(onramp_services.AmountOutOfRange):
            start(pair[0], amount_minor=amount_minor)

        assert_nothing_moved(pair)

    @pytest.mark.parametrize("difference", [{"amount_minor": -50_000}, {"amount_minor": 0}])
    def test_is_refused_of_a_bank(self, pair: PAIR, difference: dict[str, Any]) -> None:
        onramp = start(pair[0], amount_minor=50_000)

        assert post(message(onramp, **difference)).status_code == 422
        assert_nothing_moved(pair)

    def test_is_refused_by_the_database(self, pair: PAIR) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            pay(*pair, -100).write()

        assert_nothing_moved(pair)
