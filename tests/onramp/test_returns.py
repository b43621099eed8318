"""Asking about what was paid out already: money that came back is found, and credited once."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from onramp import services, tasks
from onramp.banks import PayoutState
from onramp.models import BankEvent, OffRampTransaction, PayoutQuestion
from onramp.services import patience, returns
from tests.factories import available
from tests.onramp.offramps import FakeBank, afresh, problems, submitted, withdraw, word
from tests.onramp.support import answered, deliver, post, statuses
from tests.threads import at_once
from wallet.models import Transfer

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def paid(*, now: datetime | None = None) -> OffRampTransaction:
    """Return a withdrawal of 300 from 1,000 that the bank paid at that time."""
    offramp = submitted()
    answer = services.record_bank_event(
        bank="simbank",
        event_id=f"evt_{offramp.pk}",
        body=json.dumps(word(offramp)).encode(),
        headers={},
        now=now or timezone.now(),
    )
    assert answer.status == 200
    return afresh(offramp)


def back(**facts: Any) -> FakeBank:
    """Return a bank that says so."""
    return FakeBank(query=PayoutState.RETURNED, facts={"reason": "account closed"} | facts)


def ask(bank: FakeBank, offramp: OffRampTransaction, after: timedelta) -> int:
    assert offramp.settled_at
    return services.ask_about_returns(bank=bank.as_bank(), now=offramp.settled_at + after)


def became(offramp: OffRampTransaction) -> tuple[str, int]:
    assert problems() == []
    return afresh(offramp).status, available(offramp.wallet)


def credits() -> int:
    return Transfer.objects.filter(kind="return").count()


class TestAReturnThatNobodyToldUsOf:
    def test_is_credited_when_we_ask(self) -> None:
        offramp = paid()
        assert became(offramp) == ("success", 70_000)

        assert ask(back(), offramp, HOUR) == 1

        assert became(offramp) == ("returned", 100_000)
        assert (afresh(offramp).failure_reason, credits()) == ("account closed", 1)

    def test_is_known_when_its_webhook_comes_after_all(self) -> None:
        offramp = paid()
        ask(back(), offramp, HOUR)

        answer = post(word(offramp, "returned"))

        assert answered(answer) == (200, {"status": "returned", "duplicate": True})
        assert (became(offramp), credits()) == (("returned", 100_000), 1)
        assert statuses() == ["processed", "processed", "ignored"]

    def test_is_not_asked_about_again(self) -> None:
        offramp, bank = paid(), back()
        ask(bank, offramp, HOUR)

        assert ask(bank, offramp, 5 * DAY) == 0

    def test_of_another_amount_moves_nothing_and_waits_for_staff_once(self) -> None:
        offramp, bank = paid(), back(amount_minor=1)

        ask(bank, offramp, HOUR)
        ask(bank, offramp, 5 * DAY)

        assert (became(offramp), len(bank.asked)) == (("success", 70_000), 2)
        assert statuses() == ["processed", "quarantined"]


class TestAsking:
    def test_begins_after_an_hour_slows_down_to_once_a_day_and_ends_in_the_end(self) -> None:
        offramp, bank, hours = paid(), FakeBank(PayoutState.SUCCEEDED), []

        for hour in range(15 * 24):
            if ask(bank, offramp, hour * HOUR):
                hours.append(hour)

        assert hours == [1, 2, 4, 8, 16, *range(32, 14 * 24, 24)]

    def test_about_what_stayed_paid_writes_no_event(self) -> None:
        offramp = paid()

        ask(FakeBank(PayoutState.SUCCEEDED), offramp, HOUR)

        assert statuses() == ["processed"]
        question = PayoutQuestion.objects.get()
        assert (question.asks, question.answer) == (1, "succeeded")

    def test_keeps_a_word_that_contradicts_for_staff(self) -> None:
        offramp = paid()

        ask(FakeBank(PayoutState.FAILED), offramp, HOUR)

        assert became(offramp) == ("success", 70_000)
        assert BankEvent.objects.latest("pk").verdict == "contradiction"

    def test_never_pays_again_what_the_bank_forgot(self) -> None:
        offramp, bank = paid(), FakeBank(PayoutState.UNKNOWN)

        assert ask(bank, offramp, HOUR) == 1

        assert (became(offramp), bank.paid) == (("success", 70_000), [])

    def test_is_left_for_the_next_run_when_the_bank_is_away(self) -> None:
        offramps, bank = [paid() for _ in range(4)], FakeBank(is_silent=True)

        assert ask(bank, offramps[3], HOUR) == 3

        assert ask(back(), offramps[3], HOUR) == 1  # The last one; the others wait longer.
        states = [afresh(each).status for each in offramps]
        assert states == ["success", "success", "success", "returned"]

    def test_goes_on_behind_those_that_the_bank_has_trouble_with(self) -> None:
        offramps, bank = [paid() for _ in range(13)], back()
        bank.ill = {each.token for each in offramps[:12]}

        assert ask(bank, offramps[12], HOUR) == 13

        assert became(offramps[12])[0] == "returned"

    def test_is_bounded_in_a_run_and_forgets_nobody(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(returns, "_MOST", 2)
        offramps, bank = [paid() for _ in range(3)], FakeBank(PayoutState.SUCCEEDED)

        asked = [ask(bank, offramps[2], after) for after in (HOUR, DAY)]

        assert asked == [2, 2]
        assert set(bank.asked) == {offramp.token for offramp in offramps}

    def test_is_bounded_in_time(self, monkeypatch: Any) -> None:
        offramp = paid()
        monkeypatch.setattr(patience, "_LONGEST_S", -1)

        assert ask(back(), offramp, HOUR) == 0

    def test_is_for_what_was_paid_alone(self) -> None:
        submitted()
        withdraw()
        bank = back()

        assert services.ask_about_returns(bank=bank.as_bank(), now=timezone.now() + HOUR) == 0

    def test_lasts_as_many_days_as_the_setting_says(self, settings: Any) -> None:
        settings.PAYOUT_RETURN_DAYS = 0

        assert ask(back(), paid(), HOUR) == 0

    def test_is_what_the_worker_does(self, monkeypatch: Any) -> None:
        offramp, bank = paid(now=timezone.now() - 2 * HOUR), back()
        monkeypatch.setattr("onramp.banks.get_bank", bank.as_bank)

        assert tasks.ask_returns(0) == 1

        assert became(offramp) == ("returned", 100_000)


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_an_answer_and_its_webhook_credit_once(self) -> None:
        """Guard: the withdrawal's row is locked before either is judged."""
        offramps, bank = [paid() for _ in range(5)], back()
        acts: list[Callable[[], Any]] = [
            partial(deliver, word(offramp, "returned")) for offramp in offramps
        ]
        acts += [partial(ask, bank, offramps[-1], HOUR)] * 5

        outcomes = at_once(acts, workers=10)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert {became(offramp) for offramp in offramps} == {("returned", 100_000)}
        assert credits() == 5

    def test_two_workers_ask_once(self) -> None:
        """Guard: who asks notes so before, and only the first finds the question due."""
        offramps, bank = [paid() for _ in range(5)], FakeBank(PayoutState.SUCCEEDED)

        asked = at_once([partial(ask, bank, offramps[-1], HOUR)] * 4, workers=4)

        assert sum(number for number in asked if isinstance(number, int)) == 5
        assert len(bank.asked) == 5
