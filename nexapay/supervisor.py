"""
`run.py` once everything is installed: serve until told to stop, or run one management command.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from nexapay import datadir, devdb
from nexapay.processes import Told
from nexapay.progress import Refusal, mark_start
from nexapay.serving import MANAGE, Site, listening


def serve(arguments: Sequence[str]) -> int:
    """Serve until told to stop; return the exit code."""
    given = os.environ
    port = datadir.port(given, _option(arguments, "--port"))
    datadir.check_numbers(given)
    with listening(port) as listener:
        folder = datadir.data_dir(given)
        site = Site(listener, folder, demo_data="--no-demo-data" not in arguments)
        try:
            site.open()
            site.stay()
        except Told:
            pass
        finally:
            site.close()
    return 0


def _option(arguments: Sequence[str], name: str) -> str | None:
    """Return the last value given to an option, as NAME VALUE or NAME=VALUE."""
    found = None
    for index, argument in enumerate(arguments):
        if argument == name:
            found = arguments[index + 1]
        elif argument.startswith(f"{name}="):
            found = argument.removeprefix(f"{name}=")
    return found


def manage(arguments: Sequence[str]) -> NoReturn:
    """Become manage.py, with the environment of a plain run and the database held."""
    given = os.environ
    folder = datadir.data_dir(given)
    embedded = not datadir.is_given(given, "DATABASE_URL")
    environment = datadir.environment(
        given,
        folder,
        database_url=devdb.address(folder) if embedded else "",
        site_port=datadir.port(given),
        bank=datadir.last_bank_port(folder),
    )
    datadir.check_settings(environment)
    if embedded:
        devdb.url(folder)
        devdb.hold_through_exec(folder)
    os.execve(MANAGE[0], [*MANAGE, *arguments], environment)


def main(arguments: list[str]) -> int:
    """Serve or manage; return the exit code."""
    mark_start()
    commands: dict[str, Callable[[Sequence[str]], int]] = {"serve": serve, "manage": manage}
    try:
        return commands[arguments[0]](arguments[1:])
    except (Refusal, devdb.DatabaseFailed) as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
