"""Student wallets: paying oneself minted money, as the second write overwrote the first."""

import pytest
from django.db import IntegrityError, transaction

from tests.factories import available, make_wallet, send
from tests.known_bugs.support import confirm
from tests.wallet.forge import pay
from tests.wallet.pages import asked, sign_in
from tests.wallet.sending import text_of
from wallet import services
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> Wallet:
    """Return the wallet of somebody whom every kind of name names."""
    return make_wallet(
        balance_minor=500, handle="ananya", phone="+919845011111", email="ananya@example.com"
    )


def assert_nothing_moved(ana: Wallet) -> None:
    assert available(ana) == 500
    assert not Transfer.objects.filter(kind="send").exists()


class TestPayingOneself:
    @pytest.mark.parametrize(
        "to",
        ["@ananya", "ANANYA", "98450 11111", "+91 98450-11111", "Ananya@Example.com"],
    )
    def test_is_refused_by_whatever_name(self, ana: Wallet, to: str) -> None:
        answer = sign_in(ana).post("/send/", asked(to=to, amount="1"))

        assert answer.status_code == 422
        assert "You cannot send money to yourself." in text_of(answer)
        assert_nothing_moved(ana)

    def test_is_refused_on_a_review_page_that_we_signed(self, ana: Wallet) -> None:
        answer = confirm(ana, ana, 100)

        assert answer.status_code == 422
        assert "You cannot send money to yourself." in text_of(answer)
        assert_nothing_moved(ana)

    def test_is_refused_by_the_service(self, ana: Wallet) -> None:
        with pytest.raises(services.SameWallet):
            send(ana, ana, 100)

        assert_nothing_moved(ana)

    def test_is_refused_by_the_database(self, ana: Wallet) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            pay(ana, ana, 100).write()

        assert_nothing_moved(ana)
