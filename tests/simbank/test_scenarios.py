"""
A bank that misbehaves, against the whole site, over real HTTP in both directions.

Whatever it does: the wallet holds what was approved, once; the on-ramp is in its final state; the
books agree; staff see what they should see, and nothing else; nobody repaired anything by hand.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from django.db.models import F
from django.utils import timezone

from onramp import services as onramp_services
from onramp.banks import BankUnreachable, Payment, PayoutState, get_bank, wire
from onramp.models import BankEvent, OnRampTransaction, Question
from onramp.simbank import payouts, scenarios, services, tricks, troubles
from onramp.simbank.models import Delivery
from onramp.simbank.models import Payment as PaymentThere
from onramp.simbank.scenarios import SCENARIOS
from tests.factories import available
from tests.onramp.support import start
from tests.onramp.test_simbank_adapter import payout
from tests.simbank.support import TOKEN, drain
from tests.threads import at_once
from wallet import audit
from wallet.models import Transfer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("bank_api", "bank_delivers", "_hurried"),
]
QUARANTINED = {"wrong_amount": ["terms_differ"], "success_then_failure": ["contradiction"]}
# How often the bank must be asked until it is known how the payment ended; zero where it is told.
ASKS = {"lose": 1, "forge": 1, "wrong_amount": 1, "slow": 1, "clock_off": 1} | {
    "errors": 3,  # An error, nothing in time, an answer.
    "half_open": 3,
}


@pytest.fixture
def _hurried(monkeypatch: Any) -> None:
    """Let nobody wait for long."""
    hurry(monkeypatch)


def hurry(monkeypatch: Any) -> None:
    """Shorten every wait: only what hangs must be out of time, and that hangs for longer."""
    monkeypatch.setattr(wire, "_TIMEOUT", httpx.Timeout(0.8))
    monkeypatch.setattr(troubles, "SLOW_S", 0.01)
    monkeypatch.setattr(troubles, "HANG_S", 1.5)
    monkeypatch.setattr(tricks, "HELD_S", 0.05)


def asked() -> OnRampTransaction:
    """Ask the bank for money, as the site does, ten minutes ago."""
    onramp = start(now=timezone.now() - timedelta(minutes=10))
    assert onramp.pay_before > timezone.now()
    tell_the_bank(onramp)
    return onramp


def tell_the_bank(onramp: OnRampTransaction) -> None:
    get_bank().create_payment(
        Payment(
            token=onramp.token,
            amount_minor=onramp.amount_minor,
            currency=onramp.currency,
            bank=onramp.bank,
            reference=onramp.reference,
            expires_at=onramp.pay_before,
            return_url="http://127.0.0.1/",
        )
    )


def decide(onramp: OnRampTransaction, scenario: str, decision: str = "approve") -> None:
    services.decide(
        token=onramp.token,
        is_approved=decision == "approve",
        mode="now",
        scenario=scenario,
        now=timezone.now(),
    )


def deliver() -> None:
    """Deliver all that waits, in its order, and what must be tried again."""
    waiting = Delivery.objects.filter(status="waiting")
    for _ in range(3):
        waiting.update(next_attempt_at=F("next_attempt_at") - timedelta(hours=1))
        drain()
    assert not waiting.exists()


def ask() -> None:
    """Ask the bank, however long ago it was asked last."""
    now = timezone.now()
    Question.objects.update(next_at=now)
    onramp_services.ask_about_onramps(bank=get_bank(), now=now)


def quarantined() -> list[str]:
    found = BankEvent.objects.filter(status="quarantined")
    return list(found.values_list("verdict", flat=True))


def end_of(onramp: OnRampTransaction) -> tuple[str, int]:
    """Return the status and what the wallet holds, once the books are seen to agree."""
    onramp.refresh_from_db()
    assert audit.run(clock=timezone.now).findings == []
    return onramp.status, available(onramp.wallet)


class TestEveryScenario:
    @pytest.mark.parametrize("name", SCENARIOS)
    def test_of_an_approval_ends_in_one_credit(self, name: str) -> None:
        onramp = asked()

        decide(onramp, name)
        deliver()
        ends = [end_of(onramp)]
        for _ in range(ASKS.get(name, 0)):
            ask()
            ends.append(end_of(onramp))

        *before, at_last = ends
        assert before == [("processing", 0)] * ASKS.get(name, 0)
        assert at_last == ("success", 50_000)
        assert (Transfer.objects.count(), quarantined()) == (1, QUARANTINED.get(name, []))

    @pytest.mark.parametrize("name", [s.name for s in SCENARIOS.values() if not s.answers])
    def test_of_a_refusal_ends_in_none(self, name: str) -> None:
        onramp = asked()

        decide(onramp, name, "decline")
        deliver()
        ask()

        assert end_of(onramp) == ("failure", 0)
        assert (Transfer.objects.count(), quarantined()) == (0, QUARANTINED.get(name, []))

    def test_for_everybody_is_for_those_who_chose_none(self) -> None:
        scenarios.choose(name="lose", now=timezone.now())
        lost, turned = asked(), asked()

        decide(lost, "")
        decide(turned, "rotate")
        deliver()

        assert (end_of(lost), end_of(turned)) == (("processing", 0), ("success", 50_000))


class TestWhatIsSent:
    def sent(self, name: str) -> list[tuple[str, int | None]]:
        onramp = asked()
        decide(onramp, name)
        deliver()
        rows = Delivery.objects.order_by("next_attempt_at", "copy", "pk")
        return list(rows.values_list("status", "last_status"))

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("duplicate", [("delivered", 200)] * 100),
            ("delay", [("delivered", 200)]),
            ("lose", [("lost", None)]),
            ("forge", [("refused", 401)]),
            ("wrong_amount", [("refused", 422)]),
            ("success_then_failure", [("delivered", 200), ("refused", 409)]),
            ("half_open", [("lost", None)]),
            ("replay", [("delivered", 200), ("refused", 401), ("delivered", 200)]),
            ("clock_off", [("refused", 401)]),
        ],
    )
    def test_is_answered_as_it_deserves(
        self, name: str, expected: list[tuple[str, int | None]]
    ) -> None:
        assert self.sent(name) == expected

    def test_is_taken_from_either_secret_while_both_are_known(self, settings: Any) -> None:
        settings.BANK_WEBHOOK_SECRETS = ["whsec_" + "bmV3" * 10, *settings.BANK_WEBHOOK_SECRETS]

        assert self.sent("rotate") == [("delivered", 200)] * 2

        signatures = {event.headers["webhook-signature"] for event in BankEvent.objects.all()}
        assert len(signatures) == 1  # The second copy was known, and is not kept again.

    def test_under_a_secret_we_do_not_know_yet_comes_again(self) -> None:
        assert self.sent("rotate") == [("delivered", 200)] * 2
        assert set(Delivery.objects.values_list("attempts", flat=True)) == {1, 2}

    def test_a_hundred_times_by_many_at_once_credits_once(self) -> None:
        onramp = asked()
        decide(onramp, "duplicate")

        tried = at_once([drain] * 6, workers=6)

        assert sum(number for number in tried if isinstance(number, int)) >= 100
        deliver()
        assert (end_of(onramp), BankEvent.objects.count()) == (("success", 50_000), 1)

    def test_out_of_order_is_told_in_another_order_than_it_was_decided(
        self, monkeypatch: Any
    ) -> None:
        waits = iter([30, 20, 10])
        monkeypatch.setattr("onramp.simbank.owing._random.uniform", lambda *_: next(waits))
        onramps = [asked() for _ in range(3)]
        for onramp in onramps:
            decide(onramp, "reorder")

        deliver()

        told = BankEvent.objects.order_by("pk").values_list("onramp", flat=True)
        assert list(told) == [onramp.pk for onramp in reversed(onramps)]
        assert [end_of(onramp) for onramp in onramps] == [("success", 50_000)] * 3


class TestWhenTheApiMisbehaves:
    @pytest.mark.parametrize(("name", "failures"), [("slow", 0), ("errors", 2), ("half_open", 2)])
    def test_the_person_may_ask_again_and_is_charged_once(self, name: str, failures: int) -> None:
        scenarios.choose(name=name, now=timezone.now())
        onramp = start(now=timezone.now() - timedelta(minutes=10))

        for _ in range(failures):
            with pytest.raises(BankUnreachable):
                tell_the_bank(onramp)
        tell_the_bank(onramp)

        assert PaymentThere.objects.count() == 1
        decide(onramp, "")
        deliver()
        ask()
        assert end_of(onramp) == ("success", 50_000)

    @pytest.mark.parametrize("name", ["errors", "half_open"])
    def test_a_payout_that_it_took_is_found_by_asking(self, name: str) -> None:
        scenarios.choose(name=name, now=timezone.now())
        bank = get_bank()

        for act in (partial(bank.create_payout, payout()), partial(bank.query_payout, token=TOKEN)):
            with pytest.raises(BankUnreachable):
                act()

        payouts.decide_payouts(now=timezone.now() + timedelta(minutes=1))
        assert bank.query_payout(token=TOKEN).state is PayoutState.SUCCEEDED


class TestTheWaits:
    @pytest.fixture(autouse=True)
    def _hurried(self) -> None:
        """Keep them as they are."""

    def test_of_a_slow_answer_are_short_enough_and_of_a_hanging_one_too_long(self) -> None:
        longest = wire._TIMEOUT.read

        assert longest is not None
        assert troubles.SLOW_S < longest < troubles.HANG_S
