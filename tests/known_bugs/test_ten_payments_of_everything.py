"""Student wallets: ten simultaneous payments of 100 from a balance of 100 left -900."""

from functools import partial

import pytest

from tests.factories import available, make_wallet
from tests.known_bugs.support import assert_books_agree, confirm_from, tab
from tests.onramp.support import codes
from tests.threads import at_once
from tests.wallet.pages import sign_in
from tests.wallet.sending import text_of

pytestmark = pytest.mark.django_db(transaction=True)


class TestTenPaymentsOfEverything:
    def test_send_it_once_and_say_why_not_nine_times(self) -> None:
        """Guard: the funds are checked under the lock, and no balance goes below zero."""
        ana, ben = make_wallet(balance_minor=100), make_wallet()
        browser = sign_in(ana)
        acts = [partial(confirm_from, tab(browser), ana, ben, 100) for _ in range(10)]

        outcomes = at_once(acts, workers=10)

        assert (available(ana), available(ben)) == (0, 100)
        assert codes(outcomes) == [303] + [422] * 9
        refusals = [o for o in outcomes if not isinstance(o, Exception) and o.status_code == 422]
        assert all("You have ₹0.00 to send." in text_of(refusal) for refusal in refusals)
        assert_books_agree()
