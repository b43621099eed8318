"""
Everything that one plain run starts, in its order.

The port is taken first. PostgreSQL starts while the static files are gathered, the database is
prepared, then come the web server, the worker and the simulated bank. Whatever ends this process,
kill -9 included, ends them all.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from nexapay import datadir, devdb, stamps
from nexapay.datadir import ROOT, Environment
from nexapay.processes import (
    Guard,
    Service,
    Signals,
    Supervisor,
    describe_exit,
    dying_with_us,
    kill_group,
)
from nexapay.progress import Refusal, say

STOP_LIMIT_S = 10.0
READY_LIMIT_S = 60.0
MAX_EARLY_FAILURES = 3
MANAGE = (sys.executable, str(ROOT / "manage.py"))


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """
    Take the port before anything is started.

    gunicorn inherits it, so that a connection made while it restarts waits instead of failing.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(512)
        except OSError as error:
            raise Refusal(
                f"Port {port} cannot be used ({error.strerror}); "
                "stop what uses it, or choose another: python3 run.py --port N"
            ) from error
        yield listener


class Steps:
    """Commands that run to their end before we serve."""

    def __init__(self, environment: Environment, guard: Guard, signals: Signals) -> None:
        self.environment = environment
        self._guard = guard
        self._signals = signals
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *argv: str) -> "subprocess.Popen[bytes]":
        """Start a command; finish() waits for it."""
        step = subprocess.Popen(
            argv,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dying_with_us(),
        )
        self._guard.add(step.pid)
        self._running.append(step)
        return step

    def finish(self, step: "subprocess.Popen[bytes]", failure: str) -> None:
        """Wait for a command; refuse to go on when it fails."""
        while step.poll() is None:
            self._signals.check()
            self._signals.pause(0.5)
        self._guard.remove(step.pid)
        self._running.remove(step)
        if step.returncode != 0:
            raise Refusal(f"{failure} ({describe_exit(step.returncode)}); the reason is above.")

    def kill(self) -> None:
        """End what still runs."""
        for step in self._running:
            kill_group(step.pid)
            step.wait()


class Site:
    """Everything that one plain run starts."""

    def __init__(self, listener: socket.socket, folder: Path, *, demo_data: bool) -> None:
        self.signals = Signals()
        self.guard = Guard()
        self.listener = listener
        self.folder = folder
        self.demo_data = demo_data
        self.embedded = not datadir.is_given(os.environ, "DATABASE_URL")
        self.port = int(listener.getsockname()[1])
        self.environment = datadir.environment(
            os.environ,
            folder,
            database_url=devdb.address(folder),
            site_port=self.port,
            bank=datadir.bank_port(folder),
        )
        self.steps = Steps(self.environment, self.guard, self.signals)
        self.supervisor = Supervisor(self._services(), self.guard, say)

    def _services(self) -> list[Service]:
        fd = self.listener.fileno()
        gunicorn = (sys.executable, "-m", "gunicorn", "-c", str(ROOT / "docker" / "gunicorn.py"))
        web = Service("web", (*gunicorn, "--bind", f"fd://{fd}"), self.environment, (fd,))
        services = [web, Service("worker", (*MANAGE, "worker"), self.environment)]
        if self.environment.get("BANK", "simbank") in ("", "simbank"):
            services.append(Service("bank", (*MANAGE, "simbank"), self.environment))
        return services

    def open(self) -> None:
        """Bring everything up and say where it is."""
        statics = self._gather_statics()
        if self.embedded:
            say("Starting PostgreSQL ...")
            devdb.url(self.folder)
        self.signals.check()
        sign_ins = self._prepare()
        if statics:
            self.steps.finish(*statics)
            stamps.remember_statics(ROOT, self.folder)
        say("Starting the web server, the worker and the bank ...")
        self._wait_until_ready()
        self._welcome(sign_ins)

    def _gather_statics(self) -> "tuple[subprocess.Popen[bytes], str] | None":
        if stamps.statics_are_fresh(ROOT, self.folder):
            return None
        say("Gathering the static files ...")
        collect = self.steps.start(*MANAGE, "collectstatic", "--noinput", "--verbosity", "0")
        return collect, "The static files could not be gathered"

    def _prepare(self) -> str:
        """Migrate and, on the very first start, make the demo people; return their sign-ins."""
        say("Preparing the database ...")
        first = self.embedded and not stamps.was_prepared(self.folder)
        sign_ins = self.folder / "sign-ins.txt"
        options = ["--sign-ins-to", str(sign_ins)]
        options += ["--seed-demo"] if first and self.demo_data else []
        step = self.steps.start(*MANAGE, "prepare", *options)
        self.steps.finish(step, "The database could not be prepared")
        if first:
            stamps.remember_prepared(self.folder)
        return sign_ins.read_text().strip()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        web = self.supervisor.services[0]
        while (answer := _ask_ready(self.port)) != "200":
            self._tick(0.05)
            if web.failures >= MAX_EARLY_FAILURES:
                raise Refusal("The web server does not start; the reason is above.")
            if time.monotonic() > deadline:
                raise Refusal(f"NexaPay did not become ready in {READY_LIMIT_S:.0f} s: {answer}")

    def _welcome(self, sign_ins: str) -> None:
        say(f"NexaPay runs on http://127.0.0.1:{self.port} - Ctrl-C stops it.")
        if sign_ins:
            print(f"\n{sign_ins}\n", flush=True)

    def stay(self) -> NoReturn:
        """Keep everything alive until told to stop."""
        while True:
            self._tick(0.5)

    def _tick(self, pause_s: float) -> None:
        self.signals.check()
        self.supervisor.tick()
        if self.embedded and not devdb.is_kept(self.folder):
            say("The database's keeper is gone; starting it again.")
            devdb.start(self.folder)
        self.signals.pause(pause_s)

    def close(self) -> None:
        """Stop everything; a second Ctrl-C stops it at once."""
        say("Stopping ...")
        already = self.signals.stops
        self.steps.kill()
        self.supervisor.stop(limit_s=STOP_LIMIT_S, hurry=lambda: self.signals.stops > already)
        self.guard.close()
        devdb.leave(self.folder)
        say("Stopped.")


def _ask_ready(port: int) -> str:
    """Return the status of /readyz, with what it says when it is not 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(500).decode(errors="replace")
        return "200" if response.status == 200 else f"{response.status} {body}"
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()
