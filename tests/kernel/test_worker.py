"""The background worker: what it tidies, when it leaves."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from nexapay.kernel import tasks, throttle

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


class TestTidying:
    def test_forgets_sessions_that_are_over(self) -> None:
        now = timezone.now()
        for key, days in [("old", -1), ("new", 1)]:
            Session.objects.create(session_key=key, expire_date=now + timedelta(days=days))

        assert tasks.forget_sessions(0) == 1

        assert Session.objects.get().session_key == "new"

    def test_forgets_rate_limits_that_are_over(self) -> None:
        throttle.allow(scope="test", key="old", limit=1, window_s=60)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE nexapay_throttle SET window_started = now() - interval '2 days'")
        throttle.allow(scope="test", key="new", limit=1, window_s=60)

        assert tasks.forget_throttles(0) == 1

    def test_buries_jobs_whose_worker_died(self) -> None:
        died("left behind")

        async_to_sync(bury_jobs)()

        assert [job.status for job in ProcrastinateJob.objects.all()] == ["failed"]

    @pytest.mark.parametrize(
        ("attempts", "becomes"), [(0, ("todo", 1)), (7, ("todo", 8)), (8, ("failed", 9))]
    )
    def test_takes_up_jobs_that_may_be_tried_again(
        self, attempts: int, becomes: tuple[str, int]
    ) -> None:
        died("onramp.apply", attempts=attempts)

        async_to_sync(bury_jobs)()

        [job] = ProcrastinateJob.objects.all()
        assert (job.status, job.attempts) == becomes
        assert job.status == "failed" or job.scheduled_at > timezone.now()

    @pytest.mark.django_db(transaction=True)
    def test_buries_jobs_of_which_another_waits(self) -> None:
        died("onramp.reconcile", queueing_lock="onramp.reconcile")
        app.configure_task("onramp.reconcile", queueing_lock="onramp.reconcile").defer(timestamp=0)

        async_to_sync(bury_jobs)()

        found = ProcrastinateJob.objects.order_by("pk").values_list("status", flat=True)
        assert list(found) == ["failed", "todo"]

    def test_forgets_jobs_that_failed_long_ago(self) -> None:
        with connection.cursor() as cursor:
            for days in (1, 30):
                cursor.execute(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts)"
                    " VALUES ('default', %s, '{}', 'failed', 1) RETURNING id",
                    [f"failed {days} days ago"],
                )
                job_id = cursor.fetchone()[0]
                cursor.execute(
                    "INSERT INTO procrastinate_events (job_id, type, at)"
                    " VALUES (%s, 'failed', now() - make_interval(days => %s))",
                    [job_id, days],
                )

        async_to_sync(forget_jobs)()

        left = ProcrastinateJob.objects.values_list("task_name", flat=True)
        assert list(left) == ["failed 1 days ago"]

    def test_is_due_by_the_clock(self) -> None:
        due = {task.task.name for task in app.periodic_registry.periodic_tasks.values()}

        assert due >= {
            "onramp.ask",
            "accounts.mail_notices",
            "kernel.forget_sessions",
            "kernel.forget_throttles",
            "kernel.forget_jobs",
        }


def died(task: str, *, attempts: int = 0, queueing_lock: str | None = None) -> None:
    """Leave a job as a worker does that was killed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts,"
            " queueing_lock) VALUES ('default', %s, '{}', 'doing', %s, %s)",
            [task, attempts, queueing_lock],
        )


async def forget_jobs() -> None:
    await tasks.forget_jobs(0)


async def bury_jobs() -> None:
    await tasks.bury_jobs(0)


def environment(**changes: str) -> dict[str, str]:
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    return os.environ | {"DATABASE_URL": url} | changes


@pytest.mark.django_db(transaction=True)
class TestTheWorker:
    def test_does_what_is_due_and_leaves_when_told(self) -> None:
        Session.objects.create(session_key="old", expire_date=timezone.now() - timedelta(days=1))
        app.configure_task("kernel.forget_sessions").defer(timestamp=0)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment()
        )
        try:
            while Session.objects.exists() or ProcrastinateJob.objects.exists():
                assert process.poll() is None
                Event().wait(0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()

    @pytest.mark.usefixtures("collector")
    def test_leaves_with_an_error_when_it_cannot_reach_its_database(self, monkeypatch: Any) -> None:
        broken = {"host": "127.0.0.1", "port": 1, "dbname": "none"}
        module = "nexapay.kernel.management.commands.worker"
        monkeypatch.setattr(f"{module}.connector_params", lambda: broken)
        monkeypatch.setattr(f"{module}._DATABASE_WAIT_S", 0.5)

        with pytest.raises(CommandError, match="lost its database"):
            call_command("worker")
