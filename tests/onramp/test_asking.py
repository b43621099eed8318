"""Finding out by asking: what a bank says when it is asked, and what it never said."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from onramp import services, tasks
from onramp.banks import Bank, BankAway, BankUnreachable, PaymentReport, PaymentState
from onramp.models import BankEvent, OnRampTransaction, Question
from tests.factories import available, make_wallet
from tests.onramp.support import deliver, message, post, start, statuses
from tests.threads import at_once
from wallet.models import Transfer

pytestmark = pytest.mark.django_db
PENDING = PaymentReport(state=PaymentState.PENDING)
UNKNOWN = PaymentReport(state=PaymentState.UNKNOWN)
AWAY, ILL = BankAway("no answer"), BankUnreachable("answered 500")


class Teller:
    """A bank that answers as told, by token, and remembers what it was asked."""

    name = "simbank"

    def __init__(self, always: PaymentReport | Exception = PENDING) -> None:
        self.always = always
        self.answers: dict[str, PaymentReport | Exception] = {}
        self.asked: list[str] = []

    def query_payment(self, *, token: str) -> PaymentReport:
        self.asked.append(token)
        answer = self.answers.get(token, self.always)
        if isinstance(answer, Exception):
            raise answer
        return answer


def report(onramp: OnRampTransaction, **changes: Any) -> PaymentReport:
    """Return a success, in the words of tests.onramp.support.message."""
    facts: dict[str, Any] = {
        "state": PaymentState.SUCCEEDED,
        "amount_minor": onramp.amount_minor,
        "currency": onramp.currency,
        "bank_reference": f"BNY-{onramp.pk}",
    }
    return PaymentReport(**facts | changes)


def refusal(onramp: OnRampTransaction) -> PaymentReport:
    return report(onramp, state=PaymentState.FAILED, reason="declined by customer")


def ask(teller: Teller, *, now: datetime | None = None, later_s: int = 0) -> int:
    at = (now or timezone.now()) + timedelta(seconds=later_s)
    return services.ask_about_onramps(bank=cast(Bank, teller), now=at)


def waiting(minutes: int = 5, **fields: Any) -> OnRampTransaction:
    """Ask Banyan Bank for money that many minutes ago."""
    return start(now=timezone.now() - timedelta(minutes=minutes), **fields)


def became(onramp: OnRampTransaction) -> tuple[str, str, int]:
    onramp.refresh_from_db()
    return onramp.status, onramp.failure_reason, available(onramp.wallet)


class TestAsking:
    def test_credits_what_the_bank_took_though_its_webhook_was_lost(self) -> None:
        onramp = waiting()

        assert ask(Teller(report(onramp))) == 1

        assert became(onramp) == ("success", "", 50_000)

    def test_ends_what_the_bank_declined(self) -> None:
        onramp = waiting()

        ask(Teller(refusal(onramp)))

        assert became(onramp) == ("failure", "declined by customer", 0)

    def test_keeps_the_answer_in_the_inbox_as_one_we_asked_for(self) -> None:
        onramp = waiting()

        ask(Teller(report(onramp)))

        event = BankEvent.objects.get()
        assert (event.onramp, event.status, event.verdict) == (onramp, "processed", "credited")
        assert event.event_id.startswith("asked_")
        assert "we asked" in event.headers["asked"]
        assert f'"bank_reference": "BNY-{onramp.pk}"' in event.text

    def test_is_not_for_what_is_young_or_settled(self) -> None:
        teller = Teller()
        start()
        post(message(waiting()))

        assert (ask(teller), teller.asked) == (0, [])

    def test_begins_with_the_oldest(self) -> None:
        teller = Teller()
        onramps = [waiting(minutes) for minutes in (4, 9, 6)]

        assert ask(teller) == 3

        assert teller.asked == [onramps[number].token for number in (1, 2, 0)]

    def test_is_bounded_in_a_run(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("onramp.services.asking._MOST", 2)
        wallet = make_wallet()
        for _ in range(3):
            waiting(wallet=wallet)

        assert [ask(Teller()) for _ in range(3)] == [2, 1, 0]

    def test_is_bounded_in_time(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("onramp.services.patience._LONGEST_S", -1)
        waiting()

        assert ask(Teller()) == 0

    def test_waits_longer_each_time_and_asks_when_the_time_is_over(self) -> None:
        teller, asked_at = Teller(), []
        onramp = start()

        for minute in range(75):
            if ask(teller, now=onramp.created_at, later_s=60 * minute):
                asked_at.append(minute)

        assert asked_at == [2, 4, 8, 16, 30, 45, 60]
        assert Question.objects.get().asks == 7

    def test_notes_what_was_answered_for_staff(self) -> None:
        waiting()

        ask(Teller())

        question = Question.objects.get()
        assert (question.asks, question.answer) == (1, "pending")

    def test_reads_its_rows_from_an_index(self) -> None:
        quiet = OnRampTransaction.objects.quiet_since(timezone.now()).order_by("created_at")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")

        assert "onramp_unpaid_by_status" in quiet.explain()

    def test_is_what_the_worker_does(self, monkeypatch: Any) -> None:
        onramp = waiting()
        monkeypatch.setattr("onramp.banks.get_bank", lambda: Teller(report(onramp)))

        assert tasks.ask(0) == 1

        assert became(onramp)[0] == "success"


class TestExpiry:
    def test_is_for_what_the_bank_never_saw_once_its_time_is_over(self) -> None:
        old, young = waiting(31), waiting(29)

        assert ask(Teller(UNKNOWN)) == 2

        assert became(old) == ("failure", "expired", 0)
        assert became(young)[0] == "processing"

    @pytest.mark.parametrize("answer", [PENDING, AWAY])
    def test_never_guesses(self, answer: PaymentReport | Exception) -> None:
        onramp = waiting(60 * 24)

        for later_s in range(0, 7_200, 60):
            ask(Teller(answer), later_s=later_s)

        assert became(onramp) == ("processing", "", 0)

    def test_comes_after_asking_what_the_bank_may_have_taken(self) -> None:
        onramp = waiting(60 * 24)

        ask(Teller(report(onramp)))

        assert became(onramp) == ("success", "", 50_000)


class TestAnAnswer:
    def test_with_other_terms_is_kept_for_staff_once_and_moves_nothing(self) -> None:
        onramp = waiting()
        teller = Teller(report(onramp, amount_minor=1))

        for later_s in (0, 3_600, 7_200):
            assert ask(teller, later_s=later_s) == 1

        assert became(onramp) == ("processing", "", 0)
        assert statuses() == ["quarantined"]

    def test_agrees_with_a_webhook_that_comes_later(self) -> None:
        onramp = waiting()
        ask(Teller(report(onramp)))

        assert post(message(onramp)).content == b'{"status": "success", "duplicate": true}'

        assert (became(onramp)[2], statuses()) == (50_000, ["processed", "ignored"])


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_an_answer_and_its_webhook_credit_once(self) -> None:
        """Guard: the on-ramp's row is locked before either is judged."""
        onramps = [waiting() for _ in range(12)]
        teller = Teller()
        teller.answers = {onramp.token: report(onramp) for onramp in onramps}
        telling = [partial(deliver, message(onramp)) for onramp in onramps]
        asking = [partial(ask, teller) for _ in onramps]
        acts: list[Callable[[], HttpResponse | int]] = [
            act for pair in zip(telling, asking, strict=True) for act in pair
        ]

        outcomes = at_once(acts, workers=12)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert [became(onramp) for onramp in onramps] == [("success", "", 50_000)] * 12
        assert Transfer.objects.count() == 12
        assert not BankEvent.objects.filter(status="quarantined").exists()

    def test_two_workers_ask_once(self) -> None:
        """Guard: who asks notes so before, and only the first finds the question due."""
        onramps = [waiting() for _ in range(5)]
        for onramp in onramps[:3]:  # Some for the first time, some again.
            Question.objects.create(
                onramp=onramp, asks=1, asked_at=onramp.created_at, next_at=onramp.created_at
            )
        teller, now = Teller(), timezone.now()

        asked = at_once([partial(ask, teller, now=now)] * 8, workers=8)

        assert sum(number for number in asked if isinstance(number, int)) == 5
        assert len(teller.asked) == 5

    def test_two_answers_of_the_same_kind_are_one_event(self) -> None:
        """Guard: bank_event_once, as with two copies of a webhook."""
        onramp = waiting()
        teller = Teller(report(onramp))
        at = timezone.now() + timedelta(days=1)

        outcomes = at_once(
            [partial(ask, teller, now=at + timedelta(hours=n)) for n in range(8)], workers=8
        )

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert (became(onramp)[2], BankEvent.objects.count()) == (50_000, 1)


class TestTheSetting:
    def test_says_after_how_long_we_ask(self, settings: Any) -> None:
        settings.BANK_ASK_AFTER_S = 600
        teller = Teller()
        waiting(9)
        onramp = waiting(11)

        ask(teller)

        assert teller.asked == [onramp.token]
