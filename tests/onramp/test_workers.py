"""Workers that drain the inbox, as processes: one that is killed, and one whose job fails."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from tests.factories import available, make_wallet
from tests.kernel.test_worker import ROOT, environment
from tests.onramp.offramps import afresh, problems, submitted, word
from tests.onramp.support import message, start
from tests.threads import alone, somebody_waits_for_us
from wallet.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)
NO_SWEEP = """
INSERT INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
SELECT 'onramp.sweep', '', 60 * minute
FROM generate_series(%(now)s / 60 - 15, %(now)s / 60 + 15) AS minute
"""


@pytest.fixture(autouse=True)
def _nothing_sweeps() -> None:
    """Let the job of every minute have run: what is shown here must not need it."""
    with connection.cursor() as cursor:
        cursor.execute(NO_SWEEP, {"now": int(time.time())})


@contextmanager
def worker(*, lock_timeout: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one in a process of its own. lock_timeout is PostgreSQL's, 0 for none."""
    terms = {"DATABASE_TIMEOUTS": "role", "PGOPTIONS": f"-c lock_timeout={lock_timeout}"}
    command = [sys.executable, "manage.py", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(**terms))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def holding(onramp: OnRampTransaction) -> Iterator[None]:
    """Hold the on-ramp's row, so that nobody else can settle it."""
    with transaction.atomic():
        OnRampTransaction.objects.select_for_update().get(pk=onramp.pk)
        yield


def until(is_so: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until it is so, while the worker lives; for a minute, or nothing will ever come."""
    patience = time.monotonic() + 60
    while not is_so():
        assert process.poll() is None
        assert time.monotonic() < patience
        time.sleep(0.02)


def beside_us(act: Callable[[], None]) -> None:
    """Do it on a connection of its own, outside our transaction."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(alone, act).result()


def tell(event_id: str, said: dict[str, Any]) -> None:
    services.receive_bank_event(
        bank="simbank",
        event_id=event_id,
        body=json.dumps(said).encode(),
        headers={},
        now=timezone.now(),
    )


def events() -> dict[str, tuple[str, int]]:
    """Return what became of each event, and how often it was tried."""
    rows = BankEvent.objects.order_by("pk").values_list("event_id", "verdict", "attempts")
    return {event_id: (verdict, attempts) for event_id, verdict, attempts in rows}


def jobs() -> list[tuple[str, int]]:
    """Return the status of each job that applies events, and how often it failed."""
    found = ProcrastinateJob.objects.filter(task_name=services.APPLY).order_by("pk")
    return list(found.values_list("status", "attempts"))


def is_waiting(event_id: str) -> bool:
    return events()[event_id] == ("", 0)


def forget_the_dead() -> None:
    """Let half a minute pass since a worker's last sign, and its jobs be looked after."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 s'")
    app.configure_task("kernel.bury_jobs").defer(timestamp=0)


def put_off(wait: str) -> None:
    """Have the jobs that failed tried again after so long, as after many failures."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now() + %s::interval"
            " WHERE attempts > 0 AND status = 'todo'",
            [wait],
        )


class TestAWorkerThatIsKilled:
    def test_inside_a_transaction_loses_and_doubles_nothing(self) -> None:
        ana, ben = make_wallet(), make_wallet()
        onramps = {name: start(ana, 1_000) for name in ("a1", "a2")}
        onramps |= {name: start(ben, 2_000) for name in ("b1", "b2", "b3")}
        offramp = submitted()
        for name in ("a1", "a2"):
            tell(name, message(onramps[name]))
        tell("paid", word(offramp))
        for name in ("b1", "b2", "b3"):
            tell(name, message(onramps[name]))

        with holding(onramps["b2"]), worker(lock_timeout="0") as first:
            until(somebody_waits_for_us, first)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()

            applied = [name for name in events() if not is_waiting(name)]
            assert applied == ["a1", "a2", "paid"]
            assert (available(ana), available(ben), jobs()) == (2_000, 0, [("doing", 0)])

        forget_the_dead()
        with worker(lock_timeout="2s") as second:
            until(lambda: not any(map(is_waiting, events())) and jobs() == [], second)
            second.terminate()
            assert second.wait(30) == 0

        assert events() == dict.fromkeys(onramps, ("credited", 1)) | {"paid": ("paid_out", 1)}
        assert (available(ana), available(ben)) == (2_000, 6_000)
        assert Transfer.objects.filter(onramp__in=onramps.values()).count() == 5
        assert afresh(offramp).status == "success"
        assert problems() == []


class TestAnEventThatCannotBeAppliedForAWhile:
    def test_does_not_delay_the_next_one(self) -> None:
        """Guard: a job that is tried again later holds no other back."""
        stuck, other = start(), start()
        tell("stuck", message(stuck))

        with worker(lock_timeout="50ms") as process:
            with holding(stuck):
                until(lambda: jobs() == [("todo", 1)], process)
                beside_us(partial(put_off, "1 hour"))
                beside_us(partial(tell, "other", message(other)))
                until(lambda: not is_waiting("other"), process)

                assert (is_waiting("stuck"), available(other.wallet)) == (True, 50_000)
                assert ("todo", 1) in jobs()
            put_off("0 s")
            until(lambda: not is_waiting("stuck") and jobs() == [], process)

        assert events() == dict.fromkeys(["stuck", "other"], ("credited", 1))
        assert problems() == []
