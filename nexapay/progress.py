"""Short lines that tell the person at the terminal what is going on, and since when."""

import os
import sys
import time

# Handed on through exec, so that every line counts from the moment the command was given.
STARTED_AT = "NEXAPAY_STARTED_AT"


class Refusal(Exception):
    """Why a command cannot go on, as one sentence for the person who gave it."""


def mark_start() -> None:
    """Begin counting, unless an earlier stage of the same command already did."""
    os.environ.setdefault(STARTED_AT, str(time.monotonic()))


def elapsed_s() -> float:
    """Return the seconds since the command was given."""
    now = time.monotonic()
    return now - float(os.environ.get(STARTED_AT, now))


def say(text: str) -> None:
    """Print one line with the elapsed time, at once even into a pipe."""
    try:
        print(f"[{elapsed_s():5.1f} s] {text}", flush=True)
    except OSError:
        # Nobody reads any more (a closed pipe or terminal); what runs must still be stopped.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - kept open for good
