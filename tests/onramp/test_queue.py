"""A queued inbox takes every webhook at once, and what it leaves in the end is the same."""

import json
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob

from onramp import tasks
from onramp.models import BankEvent, OffRampTransaction
from onramp.services import Answer, Delivery, draining, waiting
from tests.factories import available, make_wallet
from tests.onramp.queues import apply, receive, take_every_job
from tests.onramp.support import message, post, start
from tests.onramp.worlds import World, noises, one_by_one, saids
from tests.threads import at_once
from wallet import audit
from wallet.models import Transfer


@pytest.fixture
def queued(settings: Any) -> None:
    settings.BANK_WEBHOOK_MODE = "queue"


def says(response: Any) -> tuple[int, dict[str, Any]]:
    return response.status_code, response.json()


@pytest.mark.django_db
@pytest.mark.usefixtures("queued")
class TestAWebhook:
    def test_is_stored_as_it_came_and_moves_nothing_yet(self) -> None:
        onramp = start()

        answer = post(message(onramp), event_id="evt_1")

        assert says(answer) == (202, {"status": "queued"})
        [event] = BankEvent.objects.all()
        assert json.loads(event.text) == message(onramp)
        assert (event.status, event.verdict, event.attempts) == ("received", "", 0)
        assert set(event.headers) == {
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "key-id",
        }
        assert available(onramp.wallet) == 0

    def test_leaves_one_job_for_the_worker_however_many_come(self) -> None:
        for _ in range(3):
            post(message(start()))

        assert [job.task_name for job in ProcrastinateJob.objects.all()] == ["onramp.apply"]

    def test_is_applied_by_that_job(self) -> None:
        onramp = start(amount_minor=50_000)
        post(message(onramp))

        assert tasks.apply() == 1

        onramp.refresh_from_db()
        [event] = BankEvent.objects.all()
        assert (onramp.status, available(onramp.wallet)) == ("success", 50_000)
        assert (event.status, event.verdict, event.attempts) == ("processed", "credited", 1)
        assert event.onramp == onramp

    def test_that_comes_again_is_known_before_and_after(self) -> None:
        onramp = start()
        post(message(onramp), event_id="evt_1")

        before = post(message(onramp), event_id="evt_1")
        apply()
        after = post(message(onramp), event_id="evt_1")

        assert says(before) == (202, {"status": "queued", "duplicate": True})
        assert says(after) == (200, {"status": "success", "duplicate": True})
        assert BankEvent.objects.count() == 1

    def test_of_the_same_id_with_another_body_is_kept_beside_it(self) -> None:
        onramp = start()
        post(message(onramp), event_id="evt_1")

        answer = post(message(onramp, amount_minor=7), event_id="evt_1")
        apply()

        assert answer.status_code == 422
        verdicts = BankEvent.objects.order_by("pk").values_list("verdict", flat=True)
        assert list(verdicts) == ["credited", "other_body"]

    def test_that_says_nothing_we_know_is_refused_at_the_door(self) -> None:
        assert post(b"{}").status_code == 400
        assert not BankEvent.objects.exists()


@pytest.mark.django_db
@settings(max_examples=25)
@given(
    said=st.lists(st.one_of(saids, saids, saids, noises), max_size=10),
    stops=st.sets(st.integers(0, 9), max_size=3),
)
def test_what_is_queued_ends_as_if_each_had_been_applied_at_once(
    said: list[dict[str, Any]], stops: set[int]
) -> None:
    alone, later = World(), World()

    one_by_one([alone.deliver(one) for one in said])
    for place, one in enumerate(said):
        receive(later.deliver(one))
        if place in stops:
            apply()
    apply()

    assert without_places_of_conflicts(later) == without_places_of_conflicts(alone)
    assert audit.run(clock=timezone.now).findings == []


def without_places_of_conflicts(world: World) -> Any:
    """Leave out which on-ramp a conflicting body points at: of one that waits it is not known."""
    verdicts, *rest = world.state()
    return [row if row[1] != "other_body" else row[:4] for row in verdicts], *rest


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("queued")
class TestManyAtOnce:
    def test_copies_in_many_threads_are_stored_once_and_credited_once(self) -> None:
        onramp = start(amount_minor=7_000)
        body = json.dumps(message(onramp)).encode()

        answers = at_once([partial(receive, Delivery("evt_1", body, {}))] * 30, workers=10)
        apply()

        fresh = [a for a in answers if isinstance(a, Answer) and "duplicate" not in a.body]
        assert (len(answers), len(fresh), available(onramp.wallet)) == (30, 1, 7_000)
        assert BankEvent.objects.count() == 1

    def test_two_workers_apply_each_event_once(self) -> None:
        wallets = [make_wallet() for _ in range(5)]
        for wallet in wallets * 8:
            onramp = start(wallet, 1_000)
            receive(Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {}))

        applied = at_once([apply] * 4, workers=4)

        assert sum(n for n in applied if isinstance(n, int)) == 40
        assert set(BankEvent.objects.values_list("attempts", flat=True)) == {1}
        assert {available(wallet) for wallet in wallets} == {8_000}
        assert audit.run(clock=timezone.now).findings == []

    def test_a_worker_that_dies_before_commit_loses_and_doubles_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        onramp = start(amount_minor=7_000)
        receive(Delivery("evt_1", json.dumps(message(onramp)).encode(), {}))

        def die(rows: Any) -> Any:
            raise SystemExit

        monkeypatch.setattr(draining, "_judge", die)
        with pytest.raises(SystemExit):
            apply()
        monkeypatch.undo()
        assert (available(onramp.wallet), Transfer.objects.count()) == (0, 0)

        assert apply() == 1
        assert (available(onramp.wallet), Transfer.objects.count()) == (7_000, 1)

    def test_an_event_stored_while_the_worker_begins_is_not_forgotten(self) -> None:
        """Guard: whoever relied on a job that waits looks again after its own commit."""
        first, second = start(), start()
        receive(Delivery("evt_1", json.dumps(message(first)).encode(), {}))
        store = waiting._call_the_worker

        def while_it_begins() -> None:
            store()
            ProcrastinateJob.objects.all()  # The job is seen; then the worker takes it.
            at_once([take_every_job], workers=1)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(waiting, "_call_the_worker", while_it_begins)
            receive(Delivery("evt_2", json.dumps(message(second)).encode(), {}))

        assert ProcrastinateJob.objects.filter(status="todo").count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("queued")
def test_a_word_on_a_withdrawal_is_queued_as_well() -> None:
    said = {
        "type": "payout.success",
        "timestamp": "2026-11-20T10:00:00Z",
        "data": {
            "token": "nobody",
            "amount_minor": 1,
            "currency": "INR",
            "bank_reference": "BNY-1",
            "reason": None,
        },
    }
    assert post(said).status_code == 202

    assert apply() == 1

    [event] = BankEvent.objects.all()
    assert (event.status, event.verdict) == ("quarantined", "unknown_token")
    assert not OffRampTransaction.objects.exists()
