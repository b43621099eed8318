"""Student wallets: of 240 payments between two people, 16 at a time, deadlocks lost 208."""

from functools import partial

import pytest

from tests.factories import available, make_wallet
from tests.known_bugs.support import assert_books_agree, confirm_from, patiently, tab
from tests.onramp.support import codes
from tests.threads import at_once
from tests.wallet.pages import sign_in
from wallet.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)


class TestPaymentsBothWays:
    def test_all_go_through_sixteen_at_a_time(self) -> None:
        """Guard: balance rows are locked in one order, whoever pays."""
        ana, ben = make_wallet(balance_minor=50_000), make_wallet(balance_minor=50_000)
        browsers = {wallet: sign_in(wallet) for wallet in (ana, ben)}
        acts = [
            partial(patiently, partial(confirm_from, tab(browsers[payer]), payer, payee, 10))
            for payer, payee in [(ana, ben), (ben, ana)] * 120
        ]

        outcomes = at_once(acts, workers=16)

        assert Transfer.objects.filter(kind="send").count() == 240
        assert codes(outcomes) == [303] * 240
        assert (available(ana), available(ben)) == (50_000, 50_000)
        assert_books_agree()
