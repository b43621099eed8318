"""
Stop PostgreSQL with SIGSTOP for some seconds: `python freeze.py POSTMASTER SECONDS`.

A process of its own, so that PostgreSQL goes on even if whoever started this is killed meanwhile:
then the pipe on standard input closes, and that ends the stop.
"""

import select
import signal
import sys
from contextlib import suppress

import psutil


def main(postmaster: psutil.Process, seconds: float) -> None:
    """Stop it with all its children; let the children go on first, as they were stopped last."""
    stopped: list[psutil.Process] = []
    try:
        stop(postmaster, stopped)  # From here on it makes no more children.
        for child in postmaster.children(recursive=True):
            stop(child, stopped)
        select.select([sys.stdin], [], [], seconds)
    finally:
        for process in reversed(stopped):
            with suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)


def stop(process: psutil.Process, stopped: list[psutil.Process]) -> None:
    """Stop one process, and remember it."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGSTOP)
        stopped.append(process)


if __name__ == "__main__":
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    main(psutil.Process(int(sys.argv[1])), float(sys.argv[2]))
