#!/usr/bin/env python3
"""Run NexaPay: `python3 run.py`, `python3 run.py test`, `python3 run.py manage COMMAND`."""

# This file must be readable by any Python, so that an old one can say that it is too old.
import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this has not installed us
    sys.exit(
        "NexaPay needs Python 3.11 or newer; this is Python %d.%d (%s)."  # noqa: UP031
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
if os.name != "posix":
    sys.exit("NexaPay runs on Linux and macOS; on Windows, run it inside WSL.")

from nexapay.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
