"""What the page of a payment says while its end is not known: only what is true by then."""

from datetime import timedelta
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.utils import timezone

from onramp.banks.simbank import SimBank
from onramp.models import OffRampTransaction, OnRampTransaction
from onramp.services.paying import submit_withdrawals
from tests.factories import make_wallet
from tests.onramp.offramps import FakeBank, afresh, withdraw, word
from tests.onramp.pages import page_of, signed_in, text
from tests.onramp.support import message, post, start

pytestmark = pytest.mark.django_db
QUICK, ODD = "Usually under a minute", "but not as you asked for it"
CONTINUE = "Continue to the bank"


def see(payment: OnRampTransaction | OffRampTransaction) -> str:
    path = f"/withdraw/{payment.public_id}/"
    if isinstance(payment, OnRampTransaction):
        path = page_of(payment)
    return text(cast(HttpResponse, signed_in(payment.wallet).get(path)))


def begun(seconds_ago: float) -> OnRampTransaction:
    return start(now=timezone.now() - timedelta(seconds=seconds_ago))


class TestAddingMoney:
    """BANK_ASK_AFTER_S is 120; the bank takes the money for four fifths of half an hour: 1440."""

    @pytest.mark.parametrize(
        ("seconds_ago", "says", "leads"),
        [
            (0, QUICK, [CONTINUE]),
            (100, QUICK, [CONTINUE]),
            (121, "We ask Banyan Bank how it stands, and nothing is lost", [CONTINUE]),
            (1_430, "We ask Banyan Bank how it stands, and nothing is lost", [CONTINUE]),
            (1_441, "The time to approve it is over. We keep asking Banyan Bank", []),
            (90_000, "The time to approve it is over. We keep asking Banyan Bank", []),
        ],
    )
    def test_says_what_is_true_by_then(
        self, seconds_ago: float, says: str, leads: list[str]
    ) -> None:
        page = see(begun(seconds_ago))

        assert says in page
        assert [each for each in (QUICK, CONTINUE) if each in page and each != says] == leads

    @pytest.mark.parametrize("facts", [{"amount_minor": 49_500}, {"currency": "EUR"}])
    def test_that_the_bank_told_of_otherwise_says_so(self, facts: dict[str, Any]) -> None:
        onramp = start()
        assert post(message(onramp, **facts)).status_code == 422

        page = see(onramp)

        assert f"Banyan Bank told us of this payment, {ODD}" in page
        assert QUICK not in page
        assert CONTINUE not in page

    def test_that_took_another_s_reference_says_so(self) -> None:
        first, onramp = start(), start()
        post(message(first))
        post(message(onramp, bank_reference=f"BNY-{first.pk}"))

        assert ODD in see(onramp)

    def test_is_not_doubted_once_it_is_settled(self) -> None:
        onramp = start()
        post(message(onramp, amount_minor=1))
        post(message(onramp))
        onramp.refresh_from_db()

        page = see(onramp)

        assert ODD not in page
        assert "₹500.00 added" in page

    def test_leads_to_the_bank_only_while_it_may_be_paid(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guard: to pay twice is worse than to wait, also from a page that was left open."""
        monkeypatch.setattr(SimBank, "create_payment", lambda _self, _payment: "/at-the-bank/")
        fresh, odd, late = start(), start(), begun(1_441)
        post(message(odd, amount_minor=49_500))

        where = [
            signed_in(each.wallet).post(page_of(each, "continue/"))["Location"]
            for each in (fresh, odd, late)
        ]

        assert where == ["/at-the-bank/", page_of(odd), page_of(late)]


class TestWithdrawing:
    def sent(self, seconds_ago: float) -> OffRampTransaction:
        """Return one that is with the bank for so long."""
        now = timezone.now() - timedelta(seconds=seconds_ago)
        offramp = withdraw(make_wallet(balance_minor=50_000), now=now - timedelta(seconds=60))
        submit_withdrawals(bank=FakeBank().as_bank(), now=now)
        return afresh(offramp)

    @pytest.mark.parametrize(
        ("seconds_ago", "says"),
        [
            (0, QUICK),
            (100, QUICK),
            (121, "We ask Banyan Bank how it stands. The money stays on hold, and nothing is lost"),
        ],
    )
    def test_says_what_is_true_by_then(self, seconds_ago: float, says: str) -> None:
        page = see(self.sent(seconds_ago))

        assert says in page
        assert (QUICK in page) == (says == QUICK)

    def test_that_the_bank_told_of_otherwise_says_so(self) -> None:
        offramp = self.sent(0)
        assert post(word(offramp, amount_minor=29_900)).status_code == 422

        page = see(offramp)

        assert f"Banyan Bank told us of this payment, {ODD}" in page
        assert QUICK not in page

    @pytest.mark.parametrize(
        ("seconds_ago", "says"),
        [
            (0, "You can cancel until"),
            (61, "It goes to the bank within a minute."),
            (181, "It has not gone to the bank yet, and nothing has left."),
        ],
    )
    def test_says_whether_it_has_gone_to_the_bank(self, seconds_ago: float, says: str) -> None:
        now = timezone.now() - timedelta(seconds=seconds_ago)

        assert says in see(withdraw(now=now))
