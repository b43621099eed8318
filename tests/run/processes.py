"""Finding processes, and waiting for what other processes do."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

PATIENCE_S = 60.0  # A limit for what hangs, not a measure of what is fast.


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return as soon as the condition holds; fail when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


def alive(marker: Path) -> list[psutil.Process]:
    """Return the processes whose command line or environment names this path."""
    return [process for process in psutil.process_iter() if _names(process, str(marker))]


def _names(process: psutil.Process, marker: str) -> bool:
    with suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(marker in text for text in _texts(process))
    return False


def _texts(process: psutil.Process) -> Iterator[str]:
    yield from process.cmdline()
    yield from process.environ().values()
