"""blnkfinance/blnk#181: what was held was still spent, because only the balance was looked at."""

from collections.abc import Callable
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from tests.factories import available, hold, locked, make_wallet, send
from tests.known_bugs.support import assert_books_agree, confirm
from tests.onramp.support import codes
from tests.threads import at_once
from tests.wallet.forge import pay
from tests.wallet.sending import text_of
from wallet import services
from wallet.models import Hold, Transfer, Wallet

pytestmark = pytest.mark.django_db(transaction=True)


def wallet_with(*, available_minor: int, locked_minor: int) -> Wallet:
    """Return the wallet of somebody who has both, in minor units."""
    wallet = make_wallet(balance_minor=available_minor + locked_minor)
    hold(wallet, locked_minor)
    return wallet


class TestLockedMoney:
    def test_is_not_spent_by_the_payment_that_would_need_it(self) -> None:
        ana, ben = wallet_with(available_minor=2_000, locked_minor=3_000), make_wallet()

        answer = confirm(ana, ben, 2_001)

        assert answer.status_code == 422
        assert "That is ₹0.01 more than you have. Enter ₹20.00 or less" in text_of(answer)
        assert (available(ana), locked(ana), available(ben)) == (2_000, 3_000, 0)

    def test_is_not_spent_by_six_payments_at_once(self) -> None:
        """Of 5,000 in all, 2,000 may be spent: two of six payments of 1,000."""
        ana, ben = wallet_with(available_minor=2_000, locked_minor=3_000), make_wallet()

        outcomes = at_once([partial(confirm, ana, ben, 1_000)] * 6, workers=6)

        assert codes(outcomes) == [303] * 2 + [422] * 4
        assert (available(ana), locked(ana), available(ben)) == (0, 3_000, 2_000)
        assert_books_agree()

    def test_is_not_spent_past_our_code_either(self) -> None:
        """Guard: available_not_negative, the type of what a balance and an entry hold."""
        ana, ben = wallet_with(available_minor=2_000, locked_minor=3_000), make_wallet()

        with pytest.raises(IntegrityError), transaction.atomic():
            pay(ana, ben, 2_001).write()

        assert (available(ana), locked(ana)) == (2_000, 3_000)


class TestAvailableMoney:
    def test_is_held_once(self) -> None:
        """The report's figures: of six holds of 1,000 from 5,000 the sixth was accepted."""
        ana = make_wallet(balance_minor=5_000)

        outcomes = at_once([partial(hold, ana, 1_000)] * 6, workers=6)

        assert sum(isinstance(o, Hold) for o in outcomes) == 5
        assert sum(isinstance(o, services.InsufficientFunds) for o in outcomes) == 1
        assert (available(ana), locked(ana)) == (0, 5_000)
        assert_books_agree()

    def test_is_promised_once_whoever_asks(self) -> None:
        """Three payments and three holds of 1,000 from 5,000."""
        ana, ben = make_wallet(balance_minor=5_000), make_wallet()

        acts: list[Callable[[], object]] = [
            partial(send, ana, ben, 1_000),
            partial(hold, ana, 1_000),
        ]

        outcomes = at_once(acts * 3)

        assert sum(isinstance(o, Hold | Transfer) for o in outcomes) == 5
        assert available(ana) == 0
        assert locked(ana) + available(ben) == 5_000
        assert_books_agree()
