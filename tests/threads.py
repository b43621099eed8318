"""Real threads with real connections, all starting at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

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
