"""Rows that somebody holds, and a worker at it already, hold up no more than they must."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from onramp.services import Delivery, draining
from tests.onramp.queues import apply, receive, run_sql, take_every_job
from tests.onramp.support import message, start
from tests.threads import at_once


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
