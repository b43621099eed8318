"""Run the simulated bank: its API for merchants, and its webhooks on their way out."""

import signal
from argparse import ArgumentParser
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection
from django.utils import timezone

from onramp.simbank import deliveries, memory, payouts, scenarios, server, services
from onramp.simbank.scenarios import SCENARIOS

_DELIVERERS = 2
_PORTS = {"http": 80, "https": 443}


class Command(BaseCommand):
    help = (
        "Serve the simulated bank's API and deliver its webhooks, until SIGTERM or Ctrl-C."
        " `simbank scenario` lists how it may misbehave, `simbank scenario NAME` has it do so."
        " `simbank remember FILE` takes payments and payouts that are over into its books."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where to listen, that one round is enough, or how to misbehave."""
        parser.add_argument(
            "act", nargs="?", choices=["scenario", "remember"], help="Instead of serving."
        )
        parser.add_argument("name", nargs="?", help="Of a scenario, or of a file of JSON lines.")
        parser.add_argument("--port", type=int, help="Default: the port of BANK_API_URL.")
        parser.add_argument("--bind", default="127.0.0.1", help="Address to listen on.")
        parser.add_argument("--once", action="store_true", help="Deliver what is due, then exit.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        if settings.BANK != "simbank":
            raise CommandError(f"BANK is {settings.BANK!r}, so there is no simulated bank to run.")
        if options["act"] == "scenario":
            self._misbehave(options["name"])
            return
        if options["act"] == "remember":
            self._remember(options["name"], quiet=options["verbosity"] == 0)
            return
        if options["once"]:
            self.stdout.write(f"{_drain()} deliveries tried.")
            return
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        quiet = options["verbosity"] == 0
        self._serve(options["bind"], _port(options["port"]), stop, quiet=quiet)

    def _misbehave(self, name: str | None) -> None:
        """Choose a scenario, if one is named; list all, with a star at the active one."""
        if name and name not in {scenarios.CALM, *SCENARIOS}:
            raise CommandError(f"There is no scenario {name!r}.")
        if name:
            scenarios.choose(name=name, now=timezone.now())
        active = scenarios.active()
        titles = {scenarios.CALM: "Behave"} | {s.name: s.title for s in SCENARIOS.values()}
        for each, title in titles.items():
            self.stdout.write(f"{'*' if each == active else ' '} {each:<22}{title}")

    def _remember(self, name: str | None, *, quiet: bool) -> None:
        """Take a file's payments and payouts into the books."""
        if not name:
            raise CommandError("Say which file: simbank remember FILE.")
        try:
            kept = memory.remember(Path(name).read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError, memory.BadHistory) as error:
            raise CommandError(f"{name}: {error}") from error
        if not quiet:
            self.stdout.write(f"{kept} were new.")

    def _serve(self, host: str, port: int, stop: Event, *, quiet: bool) -> None:
        try:
            api = server.make_server(host=host, port=port)
        except (OSError, OverflowError) as error:
            raise CommandError(f"The bank cannot listen on {host}:{port}: {error}") from error
        threads = [Thread(target=api.serve_forever, daemon=True)]
        for _ in range(_DELIVERERS):
            threads.append(Thread(target=deliveries.run, args=(stop,), daemon=True))
        for thread in threads:
            thread.start()
        if not quiet:
            self.stdout.write(f"The simulated bank listens on {host}:{api.server_port}.")
            self.stdout.flush()
        try:
            _keep_watch(threads, stop)
        finally:
            stop.set()
            api.shutdown()
            for thread in threads:
                thread.join(timeout=10)
            api.server_close()


def _drain() -> int:
    _decide()
    tried = 0
    with deliveries.client() as http:
        while deliveries.deliver_next(http, now=timezone.now()):
            tried += 1
    return tried


def _decide() -> None:
    """Decide by ourselves what is due: what nobody approved in time, and payouts."""
    services.expire_payments(now=timezone.now())
    payouts.decide_payouts(now=timezone.now())


def _keep_watch(threads: list[Thread], stop: Event) -> None:
    """Decide what is due until stop is set; leave when a thread has died: better to start anew."""
    while not stop.wait(1):
        if not all(thread.is_alive() for thread in threads):
            raise CommandError("A part of the bank has stopped.")
        try:
            _decide()
        except Error as error:
            deliveries.wait_for_database(stop, error)
    connection.close()


def _port(given: int | None) -> int:
    parts = urlsplit(settings.BANK_API_URL)
    return given if given is not None else parts.port or _PORTS[parts.scheme]
