"""A withdrawal from its form to each of its ends, at the simulated bank over HTTP."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from onramp import banks, services
from onramp.models import OffRampTransaction
from onramp.simbank.payouts import decide_payouts
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import account, afresh, after, problems, refusing, withdraw

pytestmark = pytest.mark.django_db(transaction=True)


def send(number: str) -> OffRampTransaction:
    """Withdraw to the account of that number; the bank has it now, and has not decided."""
    ana = make_wallet(balance_minor=100_000)
    offramp = withdraw(ana, to=account(ana, number=number))
    services.submit_withdrawals(bank=banks.get_bank(), now=after(offramp))
    assert afresh(offramp).status == "submitted"
    return offramp


@pytest.mark.usefixtures("bank_api")
class TestTheSimulatedBank:
    @pytest.mark.parametrize(
        ("number", "rounds", "status", "held"),
        [
            ("500100204821", 1, "success", (70_000, 0)),
            ("500100200000", 1, "failure", (100_000, 0)),
            ("500100209999", 2, "returned", (100_000, 0)),
        ],
    )
    def test_tells_us_how_it_ends(
        self,
        number: str,
        rounds: int,
        status: str,
        held: tuple[int, int],
        bank_delivers: Callable[..., int],
    ) -> None:
        offramp, now = send(number), timezone.now()

        for number_of_round in range(1, rounds + 1):
            decide_payouts(now=now + timedelta(minutes=number_of_round))
            bank_delivers(later_s=300)

        assert afresh(offramp).status == status
        assert (available(offramp.wallet), locked(offramp.wallet)) == held
        assert problems() == []

    def test_is_asked_when_its_news_is_lost(self) -> None:
        offramp, now = send("500100204821"), timezone.now()
        decide_payouts(now=now + timedelta(minutes=1))

        services.ask_about_withdrawals(bank=banks.get_bank(), now=now + timedelta(hours=1))

        assert afresh(offramp).status == "success"
        assert problems() == []

    @pytest.mark.parametrize(
        ("number", "status", "held"),
        [("500100204821", "success", (70_000, 0)), ("500100200000", "failure", (100_000, 0))],
    )
    def test_is_believed_about_a_refusal_only_when_it_knows_nothing(
        self, monkeypatch: pytest.MonkeyPatch, number: str, status: str, held: tuple[int, int]
    ) -> None:
        """Guard: after a 400 the bank is asked. It has taken the payout, and may well pay it."""
        with monkeypatch.context() as patched:
            refusing(patched)
            offramp, now = send(number), timezone.now()
        assert locked(offramp.wallet) == 30_000
        decide_payouts(now=now + timedelta(minutes=1))

        services.ask_about_withdrawals(bank=banks.get_bank(), now=now + timedelta(hours=1))

        assert afresh(offramp).status == status
        assert (available(offramp.wallet), locked(offramp.wallet)) == held
        assert problems() == []

    def test_gets_what_it_never_saw_again(self, settings: Settings) -> None:
        ana = make_wallet(balance_minor=100_000)
        offramp, url = withdraw(ana), settings.BANK_API_URL
        settings.BANK_API_URL = "http://127.0.0.1:9"  # Nobody answers there.
        services.submit_withdrawals(bank=banks.get_bank(), now=after(offramp))
        assert (afresh(offramp).status, locked(ana)) == ("submitted", 30_000)
        settings.BANK_API_URL = url
        now = timezone.now() + timedelta(hours=1)

        services.ask_about_withdrawals(bank=banks.get_bank(), now=now)
        decide_payouts(now=now + timedelta(minutes=1))
        services.ask_about_withdrawals(bank=banks.get_bank(), now=now + timedelta(hours=1))

        assert afresh(offramp).status == "success"
        assert (available(ana), locked(ana)) == (70_000, 0)
        assert problems() == []
