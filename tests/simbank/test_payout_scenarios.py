"""
A bank that misbehaves about payouts, against the whole site, over real HTTP in both directions.

Whatever it does: the money left once, or came back once; nobody repaired anything by hand.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from onramp.banks import get_bank
from onramp.models import OffRampTransaction, PayoutQuestion
from onramp.services import ask_about_returns, ask_about_withdrawals, submit_withdrawals
from onramp.simbank import payouts, scenarios
from onramp.simbank.models import Delivery, Payout
from onramp.simbank.scenarios import SCENARIOS
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import account, afresh, problems, withdraw
from tests.simbank.test_scenarios import QUARANTINED, deliver, hurry, quarantined

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bank_api", "bank_delivers"),
]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: Any) -> None:
    """Let nobody wait for long."""
    hurry(monkeypatch)


def sent(number: str) -> OffRampTransaction:
    """Withdraw 300 of 1,000 to an account of that number, ten minutes ago."""
    ago = timezone.now() - timedelta(minutes=10)
    wallet = make_wallet(balance_minor=100_000)
    offramp = withdraw(wallet, to=account(wallet, number=number), now=ago)
    submit_withdrawals(bank=get_bank(), now=ago + timedelta(minutes=5))
    return offramp


def decide() -> None:
    """Let the bank decide all that it has to."""
    for minutes in (1, 2):
        payouts.decide_payouts(now=timezone.now() + timedelta(minutes=minutes))


def ask(times: int = 4) -> None:
    """Ask the bank so often, however long ago it was asked last."""
    for _ in range(times):
        now = timezone.now()
        PayoutQuestion.objects.update(next_at=now)
        ask_about_withdrawals(bank=get_bank(), now=now)


def end_of(offramp: OffRampTransaction) -> tuple[str, int, int]:
    """Return the status, and what the wallet has and holds, once the books are seen to agree."""
    assert problems() == []
    return afresh(offramp).status, available(offramp.wallet), locked(offramp.wallet)


def end_under(name: str, number: str) -> tuple[str, int, int]:
    """Return how a withdrawal to that account ends when the bank misbehaves so."""
    scenarios.choose(name=name, now=timezone.now())
    offramp = sent(number)
    ask()
    decide()
    deliver()
    ask()
    assert Payout.objects.count() == 1
    return end_of(offramp)


class TestEveryScenario:
    @pytest.mark.parametrize("name", SCENARIOS)
    def test_pays_out_once(self, name: str) -> None:
        assert end_under(name, "500100204821") == ("success", 70_000, 0)
        assert quarantined() == QUARANTINED.get(name, [])

    @pytest.mark.parametrize("name", ["lose", "wrong_amount", "success_then_failure", "rotate"])
    def test_of_a_failure_gives_the_money_back_once(self, name: str) -> None:
        assert end_under(name, "500100200000") == ("failure", 100_000, 0)
        assert quarantined() == QUARANTINED.get(name, [])

    @pytest.mark.parametrize("name", ["reorder", "success_then_failure", "replay"])
    def test_of_a_return_brings_the_money_back_once(self, name: str) -> None:
        assert end_under(name, "500100209999") == ("returned", 100_000, 0)


class TestALostReturn:
    def test_of_what_was_paid_long_ago_is_found_by_asking_and_credited_once(self) -> None:
        """The bank tells of the payment, loses the webhook of the return, and finds it later."""
        offramp = sent("500100209999")
        payouts.decide_payouts(now=timezone.now() + timedelta(seconds=5))
        deliver()
        assert end_of(offramp) == ("success", 70_000, 0)

        scenarios.choose(name="lose", now=timezone.now())
        decide()
        deliver()
        assert end_of(offramp) == ("success", 70_000, 0)

        later = timezone.now() + timedelta(hours=2)
        assert ask_about_returns(bank=get_bank(), now=later) == 1
        assert end_of(offramp) == ("returned", 100_000, 0)

        Delivery.objects.filter(status="lost").update(status="waiting")
        deliver()
        assert Delivery.objects.latest("pk").last_status == 200
        assert end_of(offramp) == ("returned", 100_000, 0)
