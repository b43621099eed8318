"""
What `run.py` was asked to do.

Runs on whatever Python started run.py, so it uses the standard library only. It sees to `.venv`
and then becomes the program that was asked for, keeping its process id: a signal sent to the
process that was started always reaches the one that does the work.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from nexapay import install
from nexapay.progress import Refusal, mark_start

ROOT = Path(__file__).resolve().parent.parent

HELP = """\
NexaPay, a digital wallet.

  python3 run.py [--port N] [--no-demo-data]   serve on http://127.0.0.1:8000
  python3 run.py test [PYTEST ARGUMENTS]       run the whole test suite
  python3 run.py manage COMMAND ...            run a Django management command
  python3 run.py --help                        print this

What is missing is installed into .venv. Unless DATABASE_URL names another, an embedded PostgreSQL
keeps its data under .nexapay/ (or NEXAPAY_DATA_DIR). Ctrl-C stops everything that was started."""


def main(arguments: list[str]) -> int:
    """Do what the command line asks; return the exit code."""
    mark_start()
    signal.signal(signal.SIGTERM, _raise_interrupt)
    try:
        return _dispatch(arguments)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    if "--help" in arguments[:1] or "-h" in arguments[:1]:
        print(HELP)
        return 0
    command = arguments[0] if arguments[:1] in (["test"], ["manage"]) else "serve"
    wrong = _first_wrong(arguments) if command == "serve" else ""
    if wrong:
        print(f"run.py: {wrong} (python3 run.py --help lists what there is)", file=sys.stderr)
        return 2
    measures = arguments[1:2] in (["bench"], ["torture"])
    install.ensure(ROOT, tests=command == "test" or measures)
    if command == "manage":  # From where the caller is: its arguments may name files.
        return _become("nexapay.supervisor", *arguments)
    os.chdir(ROOT)
    if command == "test":
        return _become("pytest", *arguments[1:])
    return _become("nexapay.supervisor", "serve", *arguments)


def _first_wrong(arguments: list[str]) -> str:
    """Say what is wrong with the options of a plain run; "" when nothing is."""
    rest = list(arguments)
    while rest:
        name, has_value, _value = rest.pop(0).partition("=")
        if name == "--help":
            return "--help stands alone"
        if name == "--port" and not has_value and not rest:
            return "--port needs a number"
        if name == "--port":
            del rest[: 0 if has_value else 1]
        elif name != "--no-demo-data" or has_value:
            return f"there is no option or command {name!r}"
    return ""


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process by a module run in .venv, which finds our packages and no others."""
    python = str(install.python(ROOT))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONHOME"}
    environment["PYTHONPATH"] = str(ROOT)
    os.execve(python, [python, "-P", "-m", module, *arguments], environment)


def _raise_interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
