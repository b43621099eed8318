"""Real threads with real connections, all starting at once."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TypeVar

from django.db import connection, connections, transaction

_T = TypeVar("_T")


def at_once(acts: Iterable[Callable[[], _T]], *, workers: int = 20) -> list[_T | Exception]:
    """Run the acts in threads that start together; return results and errors, in order."""
    todo = list(acts)
    barrier = Barrier(min(workers, len(todo)))

    def run(mine: list[tuple[int, Callable[[], _T]]]) -> list[tuple[int, _T | Exception]]:
        try:
            barrier.wait()
            return [(number, _outcome(act)) for number, act in mine]
        finally:
            connections.close_all()

    numbered = list(enumerate(todo))
    with ThreadPoolExecutor(barrier.parties) as pool:
        shares = [numbered[start :: barrier.parties] for start in range(barrier.parties)]
        outcomes = [outcome for share in pool.map(run, shares) for outcome in share]
    return [outcome for _, outcome in sorted(outcomes, key=lambda pair: pair[0])]


def _outcome(act: Callable[[], _T]) -> _T | Exception:
    try:
        return act()
    except Exception as error:  # The test says which errors it expects.
        return error


def behind_us(pool: ThreadPoolExecutor, act: Callable[[], _T]) -> Future[_T]:
    """Start the act in a thread; return once it waits for a lock that our transaction holds."""

    started = pool.submit(alone, act)
    while not somebody_waits_for_us():
        assert not started.done(), f"it did not wait: {started.exception() or started.result()}"
        time.sleep(0.002)
    return started


def queued(
    acts: Iterable[Callable[[], _T]], *, behind: Callable[[], object]
) -> list[_T | Exception]:
    """
    Run the acts in threads while our transaction holds the lock that behind takes.

    It is let go once every one of them waits, for us or for each other; results come in order.
    """
    todo = list(acts)
    with ThreadPoolExecutor(len(todo)) as pool:
        with transaction.atomic():
            behind()
            started = [pool.submit(alone, partial(_outcome, act)) for act in todo]
            while _waiting() < len(todo):
                done = [each.result() for each in started if each.done()]
                assert not done, f"it did not wait: {done}"
                time.sleep(0.002)
        return [each.result() for each in started]


def _waiting() -> int:
    """Return how many sessions of this database wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def alone(act: Callable[[], _T]) -> _T:
    """Run the act in a thread, on a connection that is closed behind it."""
    try:
        return act()
    finally:
        connections.close_all()


def somebody_waits_for_us() -> bool:
    """Return whether anybody waits for a lock that our transaction holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])
