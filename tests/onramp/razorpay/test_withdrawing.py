"""A withdrawal through RazorpayX, from our page's service to its webhook and back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from onramp.banks import Bank
from onramp.models import OffRampTransaction
from onramp.services.paying import ask_about_withdrawals, submit_withdrawals
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import account, afresh, problems, withdraw
from tests.onramp.razorpay.support import Fake, event
from tests.onramp.razorpay.test_webhooks import post
from tests.onramp.support import answered

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(bank: Bank, razorpay: Fake) -> OffRampTransaction:
    """Withdraw 300 of 1,000, ten minutes ago; the bank has taken it."""
    ago = timezone.now() - timedelta(minutes=10)
    wallet = make_wallet(balance_minor=100_000)
    offramp = withdraw(wallet, to=account(wallet), now=ago)
    submit_withdrawals(bank=bank, now=ago + timedelta(minutes=5))
    return offramp


def tell(razorpay: Fake, name: str, status: str) -> tuple[int, Any]:
    """Let the bank decide, and post its webhook."""
    (payout,) = razorpay.payouts
    payout |= {"status": status}
    return answered(post(event(name, payout=payout)))


def end_of(offramp: OffRampTransaction) -> tuple[str, int, int]:
    assert problems() == []
    return afresh(offramp).status, available(offramp.wallet), locked(offramp.wallet)


class TestAWithdrawal:
    def test_is_paid_out(self, sent: OffRampTransaction, razorpay: Fake) -> None:
        assert end_of(sent) == ("submitted", 70_000, 30_000)

        assert tell(razorpay, "payout.processed", "processed") == (200, {"status": "success"})

        assert end_of(sent) == ("success", 70_000, 0)

    def test_comes_back_when_it_failed(self, sent: OffRampTransaction, razorpay: Fake) -> None:
        tell(razorpay, "payout.failed", "failed")

        assert end_of(sent) == ("failure", 100_000, 0)

    def test_comes_back_when_it_is_reversed(self, sent: OffRampTransaction, razorpay: Fake) -> None:
        tell(razorpay, "payout.processed", "processed")
        tell(razorpay, "payout.reversed", "reversed")

        assert end_of(sent) == ("returned", 100_000, 0)

    def test_waits_while_the_bank_works_on_it(
        self, sent: OffRampTransaction, razorpay: Fake
    ) -> None:
        assert tell(razorpay, "payout.queued", "queued") == (200, {"status": "ignored"})

        assert end_of(sent) == ("submitted", 70_000, 30_000)

    def test_is_found_out_by_asking(
        self, sent: OffRampTransaction, bank: Bank, razorpay: Fake
    ) -> None:
        razorpay.payouts[0]["status"] = "processed"

        ask_about_withdrawals(bank=bank, now=timezone.now())

        assert end_of(sent) == ("success", 70_000, 0)

    def test_is_sent_again_under_the_same_key_when_it_never_arrived(
        self, sent: OffRampTransaction, bank: Bank, razorpay: Fake
    ) -> None:
        """Guard: its key is the token's, so that a request that was only slow is not paid twice."""
        slow = razorpay.payouts.pop()

        ask_about_withdrawals(bank=bank, now=timezone.now())

        assert razorpay.payouts == [slow]
        assert len(razorpay.keys) == 1
