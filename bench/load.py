"""One act, again and again, from several processes for some seconds."""

import multiprocessing
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any, TypeVar

from django.db import connections

from nexapay.kernel import garbage

_FORK = multiprocessing.get_context("fork")
WARM_UP = 20
PAIRS = 10_000
_T = TypeVar("_T")


def rate(
    prepare: Callable[[int], Callable[[], object]],
    *,
    processes: int,
    seconds: float,
) -> float:
    """
    Return how many acts a second all processes did together.

    prepare is called in each process with its number, and returns the act. All begin at once, after
    a few that do not count: connections are open then and plans are made.
    """
    connections.close_all()  # A connection must not be shared by two processes.
    ready, counts = _FORK.Barrier(processes), _FORK.Queue()
    workers = [
        _FORK.Process(target=_work, args=(prepare, number, ready, seconds, counts), daemon=True)
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    done = [counts.get(timeout=seconds + 120) for _ in workers]
    for worker in workers:
        worker.join()
    if None in done:
        raise RuntimeError("A process failed; the reason is above.")
    return float(sum(number / spent for number, spent in done))


def pairs(of: Sequence[_T]) -> Iterator[list[_T]]:
    """Yield two of them by chance, without end. They are drawn now, before the clock runs."""
    return cycle([random.sample(of, 2) for _ in range(PAIRS)])


def plenty(made: Iterable[_T]) -> Iterator[_T]:
    """Yield what was made beforehand; who needs more hears why the bench ends."""
    yield from made
    raise RuntimeError("This machine does more in a second than the bench makes beforehand.")


def _work(prepare: Any, number: int, ready: Any, seconds: float, counts: Any) -> None:
    result = None
    try:
        act = prepare(number)
        garbage.look_seldom()  # As whatever serves; and not in what the bench made.
        for _ in range(WARM_UP):
            act()
        ready.wait(timeout=60)
        result = _repeat(act, seconds)
    finally:
        counts.put(result)
        connections.close_all()


def _repeat(act: Callable[[], object], seconds: float) -> tuple[int, float]:
    began = time.perf_counter()
    number = 0
    while time.perf_counter() - began < seconds:
        act()
        number += 1
    return number, time.perf_counter() - began


def total(prepare: Callable[[int], Callable[[], Iterator[int]]], *, processes: int) -> float:
    """
    Return how many a second all processes did of a fixed amount of work, the slowest counting.

    prepare returns, in each process, what starts its work: an iterator over how many each step did.
    The first step of each does not count: connections are open then and plans are made.
    """
    connections.close_all()
    ready, counts = _FORK.Barrier(processes), _FORK.Queue()
    workers = [
        _FORK.Process(target=_exhaust, args=(prepare, number, ready, counts), daemon=True)
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    done = [counts.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    if None in done:
        raise RuntimeError("A process failed; the reason is above.")
    number = sum(number for number, _, _ in done)
    spent = max(end for _, _, end in done) - min(began for _, began, _ in done)
    return float(number / spent)


def _exhaust(prepare: Any, number: int, ready: Any, counts: Any) -> None:
    result = None
    try:
        steps = prepare(number)()
        next(steps)
        garbage.look_seldom()  # As whatever serves; and not in what the bench made.
        ready.wait(timeout=60)
        began = time.perf_counter()
        done = sum(steps)
        result = (done, began, time.perf_counter())
    finally:
        counts.put(result)
        connections.close_all()
