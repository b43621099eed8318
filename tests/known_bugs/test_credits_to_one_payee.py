"""blnkfinance/blnk#238: only the payer was locked, so two credits to one payee lost one."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import transaction

from tests.factories import available, fund, make_wallet, send
from tests.known_bugs.support import assert_books_agree, patiently
from tests.threads import at_once, behind_us

pytestmark = pytest.mark.django_db(transaction=True)


class TestCreditsToOnePayee:
    def test_that_meet_are_both_kept(self) -> None:
        """The report's figures: 500, and 100 and 50 at once. It ended at 550; 650 is right."""
        ben, payee = make_wallet(balance_minor=50), make_wallet(balance_minor=500)

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                fund(payee, 100)  # Not committed yet: others still read 500.
                second = behind_us(pool, partial(send, ben, payee, 50))
            second.result()

        assert available(payee) == 650
        assert_books_agree()

    def test_from_eight_payers_at_once_are_all_kept(self) -> None:
        payee, payers = make_wallet(), [make_wallet(balance_minor=50) for _ in range(8)]

        acts = [partial(patiently, partial(send, payer, payee, 10)) for payer in payers * 5]

        outcomes = at_once(acts, workers=8)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert available(payee) == 400
        assert_books_agree()
