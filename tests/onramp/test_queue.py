"""A queued inbox takes every webhook at once, and what it leaves in the end is the same."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob

from onramp import banks, services, tasks
from onramp.messages import Passing
from onramp.models import BankEvent, OffRampTransaction, OnRampTransaction
from onramp.services import Answer, Delivery, draining, settling, waiting
from tests.factories import available, make_wallet
from tests.onramp.support import message, post, start
from tests.onramp.worlds import AT, World, noises, one_by_one, saids
from tests.threads import at_once
from wallet import audit
from wallet.models import Transfer


@pytest.fixture
def queued(settings: Any) -> None:
    settings.BANK_WEBHOOK_MODE = "queue"


def apply() -> int:
    return services.apply_waiting_events(clock=timezone.now)


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


def receive(delivery: Delivery) -> Answer | None:
    event_id, body, headers = delivery
    try:
        return services.receive_bank_event(
            bank="simbank", event_id=event_id, body=body, headers=headers, now=AT
        )
    except services.Malformed:
        return None


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


@pytest.mark.django_db(transaction=True)
class TestRowsThatSomebodyHolds:
    def test_hold_up_the_events_that_need_them_and_no_others(self) -> None:
        """Guard: what needs them is put aside, with all that speaks of the same on-ramp."""
        stuck, other = start(), start()
        for number, kind in enumerate(["success", *["failure"] * 6]):
            receive(Delivery(f"evt_{number}", json.dumps(message(stuck, kind)).encode(), {}))
        receive(Delivery("evt_other", json.dumps(message(other)).encode(), {}))

        with transaction.atomic():
            OnRampTransaction.objects.select_for_update().get(pk=stuck.pk)
            assert [type(outcome) for outcome in at_once([impatiently])] == [services.Busy]
            assert BankEvent.objects.exclude(status="received").get().onramp == other

        assert apply() == 7
        verdicts = BankEvent.objects.order_by("pk").values_list("verdict", "attempts")
        assert list(verdicts[:7]) == [("credited", 1), *[("contradiction", 1)] * 6]

    def test_in_vain_end_the_run_after_a_while(self) -> None:
        """So that its job is tried again later, and the worker does other things meanwhile."""
        onramps = [start() for _ in range(7)]
        for onramp in onramps:
            receive(Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {}))

        with transaction.atomic():
            list(OnRampTransaction.objects.select_for_update().order_by("pk")[:6])
            [outcome] = at_once([impatiently])

        assert "5 events" in str(outcome)
        assert apply() == 7


def impatiently() -> int:
    """Apply, and wait for no lock for long."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20ms'")
    return apply()


@pytest.mark.django_db(transaction=True)
class TestWhoFindsAnotherAtIt:
    @pytest.fixture
    def _another(self) -> Iterator[None]:
        """Hold the lock of who applies, as a worker does, or the connection of one that died."""
        with ThreadPoolExecutor(1) as pool:
            lock = "SELECT pg_advisory_%slock(hashtext('onramp.apply'))"
            pool.submit(run_sql, lock % "").result()
            yield
            pool.submit(run_sql, lock % "un").result()
            pool.submit(connections.close_all).result()

    @pytest.mark.usefixtures("_another")
    def test_leaves_it_to_them_and_one_job_that_looks_again(self) -> None:
        onramp = start()
        receive(Delivery("evt_1", json.dumps(message(onramp)).encode(), {}))
        take_every_job()

        assert [apply(), apply(), apply()] == [0, 0, 0]

        [job] = ProcrastinateJob.objects.filter(status="todo")
        assert (job.task_name, job.lock, job.scheduled_at is None) == ("onramp.apply", None, False)

    @pytest.mark.usefixtures("_another")
    def test_leaves_nothing_where_nothing_waits(self) -> None:
        assert apply() == 0

        assert not ProcrastinateJob.objects.exists()

    def test_is_not_needed_for_what_comes_while_a_batch_is_applied(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its job found the lock taken and went; who held it looks again behind itself."""
        first, second = start(), start()
        judge = draining._judge
        receive(Delivery("evt_1", json.dumps(message(first)).encode(), {}))

        def meanwhile(rows: Any) -> Any:
            monkeypatch.setattr(draining, "_judge", judge)
            late = Delivery("evt_2", json.dumps(message(second)).encode(), {})
            assert at_once([lambda: receive(late) and apply()]) == [0]
            return judge(rows)

        monkeypatch.setattr(draining, "_judge", meanwhile)

        assert apply() == 2


def run_sql(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def take_every_job() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")


@pytest.mark.django_db
class TestWhatCannotBeApplied:
    @pytest.fixture
    def break_one(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[OnRampTransaction], None]:
        """Return what makes the database refuse whatever settles that on-ramp."""

        def arrange(onramp: OnRampTransaction) -> None:
            settle = settling.settle

            def refusing(settled: Any, now: Any) -> Any:
                if any(each.asked.pk == onramp.pk for each in settled):
                    raise IntegrityError
                return settle(settled, now)

            monkeypatch.setattr(draining, "settle", refusing)

        return arrange

    def test_holds_nobody_up_and_is_left_to_staff_after_five_tries(
        self, break_one: Callable[[OnRampTransaction], None]
    ) -> None:
        onramps = [start() for _ in range(4)]
        for onramp in onramps:
            receive(Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {}))
        break_one(onramps[1])

        apply()

        left = BankEvent.objects.get(status="received")
        assert (left.event_id, left.attempts) == (f"evt_{onramps[1].pk}", 5)
        assert [available(onramp.wallet) for onramp in onramps] == [50_000, 0, 50_000, 50_000]
        assert apply() == 0

    @pytest.mark.parametrize("tries", [1, 4])
    def test_is_not_overtaken_by_later_words_on_the_same_payment(self, tries: int) -> None:
        """Guard: they stay behind it, also in a run that begins when it has failed already."""
        stuck, other = start(), start()
        for number, kind in enumerate(["success", "failure"]):
            receive(Delivery(f"evt_{number}", json.dumps(message(stuck, kind)).encode(), {}))
        receive(Delivery("evt_other", json.dumps(message(other)).encode(), {}))
        for _ in range(tries):
            BankEvent.objects.filter(event_id="evt_0").update(attempts=F("attempts") + 1)

        assert apply() == 3

        rows = BankEvent.objects.order_by("pk").values_list("verdict", "attempts")
        assert list(rows) == [("credited", tries + 1), ("contradiction", 1), ("credited", 1)]

    def test_lets_the_later_words_go_on_once_it_is_given_up(self) -> None:
        stuck = start()
        for number, kind in enumerate(["success", "failure"]):
            receive(Delivery(f"evt_{number}", json.dumps(message(stuck, kind)).encode(), {}))
        with pytest.MonkeyPatch.context() as patch:
            read = banks.read_webhook
            patch.setattr(banks, "read_webhook", partial(unless, b"onramp.success", read))

            assert apply() == 1

        rows = BankEvent.objects.order_by("pk").values_list("verdict", "attempts")
        assert list(rows) == [("", 5), ("failed", 1)]

    def test_holds_up_nobody_else_though_nothing_notes_its_payment(self) -> None:
        """As those that were queued before tokens were noted."""
        first, second = start(), start()
        for onramp in (first, second):
            delivery = Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {})
            store_without_token(delivery)
        BankEvent.objects.filter(event_id=f"evt_{first.pk}").update(attempts=1)

        [waiting] = draining._WAITING.rows([], 1)

        assert waiting[2] == f"evt_{second.pk}"


def unless(part: bytes, read: Callable[[str, bytes], Any], bank: str, body: bytes) -> Any:
    """Read it, unless it has that part."""
    if part in body:
        raise services.Malformed("of old")
    return read(bank, body)


def store_without_token(delivery: Delivery) -> None:
    digest = sha256(delivery.body).digest()
    BankEvent.objects.create(
        bank="simbank",
        event_id=delivery.event_id,
        body=delivery.body,
        body_sha256=digest,
        headers={},
        received_at=timezone.now(),
    )


@pytest.mark.django_db
def test_a_body_that_can_be_read_no_more_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a release with another reader: what it does not know waits for staff."""
    bad, good = start(), start()
    for onramp in (bad, good):
        receive(Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {}))
    read = banks.read_webhook

    def picky(bank: str, body: bytes) -> Any:
        if bad.token.encode() in body:
            raise services.Malformed("of old")
        return read(bank, body)

    monkeypatch.setattr(banks, "read_webhook", picky)
    apply()

    assert [available(onramp.wallet) for onramp in (bad, good)] == [0, 50_000]
    assert BankEvent.objects.get(status="received").attempts == 5


@pytest.mark.django_db
def test_a_body_that_is_read_as_ending_nothing_is_done_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a release whose reader took it for more."""
    receive(Delivery("evt_1", json.dumps(message(start())).encode(), {}))
    monkeypatch.setattr(banks, "read_webhook", lambda bank, body: Passing(kind="of old"))

    assert apply() == 1

    [event] = BankEvent.objects.all()
    assert (event.status, event.verdict) == ("ignored", "settles_nothing")


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
