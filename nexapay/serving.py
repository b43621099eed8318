"""
Everything that one plain run starts, in its order.

The port is taken first. PostgreSQL starts while the static files are gathered, the database is
prepared, then come the web server, the worker and the simulated bank. Whatever ends this process,
kill -9 included, ends them all.
"""

import http.client
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from nexapay import datadir, devdb, stamps
from nexapay.childlogs import ChildLog
from nexapay.datadir import ROOT, Environment
from nexapay.processes import (
    FIRST_BACKOFF_S,
    SETTLED_AFTER_S,
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
MAX_EARLY_FAILURES = 2
LONGEST_KEEPER_BACKOFF_S = 60.0
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


class Keeping:
    """Brings the embedded database's keeper back, ever less often while it fails."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self._clock = clock
        self._wait_s = FIRST_BACKOFF_S
        self._started_at = clock()
        self._due_at = 0.0

    def tick(self) -> None:
        """Start a keeper when there is none and it is time to try; call it often."""
        now = self._clock()
        if devdb.is_kept(self.folder):
            if now - self._started_at > SETTLED_AFTER_S and devdb.serves(self.folder):
                self._wait_s = FIRST_BACKOFF_S
            return
        if now < self._due_at:
            return
        say(f"The database's keeper is gone; starting it again. {devdb.why_not(self.folder)}")
        devdb.start(self.folder)
        self._started_at = now
        self._due_at = self._started_at + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_KEEPER_BACKOFF_S)


class Site:
    """Everything that one plain run starts."""

    def __init__(self, listener: socket.socket, folder: Path, *, demo_data: bool) -> None:
        self.signals = Signals()
        self.listener = listener
        self.folder = folder
        self.demo_data = demo_data
        self.keeping = None if datadir.is_given(os.environ, "DATABASE_URL") else Keeping(folder)
        self.port = int(listener.getsockname()[1])
        self.environment = datadir.environment(
            os.environ,
            folder,
            database_url=devdb.address(folder),
            site_port=self.port,
            bank=datadir.bank_port(folder),
        )
        datadir.check_settings(self.environment)
        self.serving = dict(self.environment)  # Whoever serves may not take a guard away.
        if self.keeping:
            self.serving["DATABASE_URL"] = devdb.address(folder, role="nexapay_app")
        self.guard = Guard()
        self.steps = Steps(self.environment, self.guard, self.signals)
        self.supervisor = Supervisor(self._services(), self.guard, say)

    def _services(self) -> list[Service]:
        fd = self.listener.fileno()
        gunicorn = (sys.executable, "-m", "gunicorn", "-c", str(ROOT / "docker" / "gunicorn.py"))
        services = [self._service("web", *gunicorn, "--bind", f"fd://{fd}", fds=(fd,))]
        services.append(self._service("worker", *MANAGE, "worker", signs=True))
        if self.environment.get("BANK", "simbank") == "simbank":
            services.append(self._service("bank", *MANAGE, "simbank", "--verbosity", "0"))
        return services

    def _service(
        self, name: str, *argv: str, fds: tuple[int, ...] = (), signs: bool = False
    ) -> Service:
        log = ChildLog(self.folder / "logs" / f"{name}.log")
        # What strangers talk to is not handed the key that heads of the ledger are signed with.
        hidden = () if signs else ("CHECKPOINT_KEY", "CHECKPOINT_KEY_FILE")
        given = {name: value for name, value in self.serving.items() if name not in hidden}
        return Service(name, argv, given, fds, log)

    def open(self) -> None:
        """Bring everything up and say where it is."""
        statics = self._gather_statics()
        if self.keeping:
            say("Starting PostgreSQL ...")
            devdb.url(self.folder, meanwhile=self.signals.check)
        if not (self.keeping and stamps.is_prepared(ROOT, self.folder)):
            self._prepare()
        if statics:
            self.steps.finish(*statics)
            stamps.remember_statics(ROOT, self.folder)
        say("Starting the web server, the worker and the bank ...")
        self._wait_until_ready()
        self._welcome()

    def _gather_statics(self) -> "tuple[subprocess.Popen[bytes], str] | None":
        if stamps.statics_are_fresh(ROOT, self.folder):
            return None
        say("Gathering the static files ...")
        collect = self.steps.start(*MANAGE, "collectstatic", "--noinput", "--verbosity", "0")
        return collect, "The static files could not be gathered"

    def _prepare(self) -> None:
        """Migrate and, on the very first start, make the demo people; note their sign-ins."""
        say("Preparing the database ...")
        first = self.keeping and not stamps.was_served(self.folder)
        options = ["--sign-ins-to", str(self._sign_ins)]
        options += ["--seed-demo"] if first and self.demo_data else []
        step = self.steps.start(*MANAGE, "prepare", *options)
        self.steps.finish(step, "The database could not be prepared")
        if self.keeping:
            stamps.remember_prepared(ROOT, self.folder)

    @property
    def _sign_ins(self) -> Path:
        return self.folder / "sign-ins.txt"

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        answer = "it did not answer"

        def meanwhile() -> None:
            self._tick(0.02)
            if self.supervisor.services[0].failures >= MAX_EARLY_FAILURES:
                raise Refusal("The web server does not start; the reason is above.")
            if time.monotonic() > deadline:
                raise Refusal(f"NexaPay did not become ready in {READY_LIMIT_S:.0f} s: {answer}")

        while (answer := _ask_ready(self.port, meanwhile)) != "200":
            if "waiting" in answer:  # Somebody took migrations back.
                self._prepare()
            meanwhile()

    def _welcome(self) -> None:
        say(f"NexaPay runs on http://127.0.0.1:{self.port} - Ctrl-C stops it.")
        say(f"Logs are in {self.folder / 'logs'}; errors are shown here too.")
        if self._sign_ins.exists() and (text := self._sign_ins.read_text().strip()):
            print(f"\nSign in as one of these (phone or email, password):\n\n{text}\n", flush=True)

    def stay(self) -> NoReturn:
        """Keep everything alive until told to stop."""
        while True:
            self._tick(0.5)

    def _tick(self, pause_s: float) -> None:
        self.signals.check()
        self.supervisor.tick()
        self._show_errors()
        if self.keeping:
            self.keeping.tick()
        self.signals.pause(pause_s)

    def _show_errors(self) -> None:
        for service in self.supervisor.services:
            if isinstance(service.log, ChildLog):
                for text in service.log.notices():
                    say(f"{service.name}: {text}")

    def close(self) -> None:
        """Stop everything; a second Ctrl-C stops it at once."""
        say("Stopping ...")
        already = self.signals.stops
        self.steps.kill()
        self.supervisor.stop(limit_s=STOP_LIMIT_S, hurry=lambda: self.signals.stops > already)
        self._show_errors()
        self.guard.close()
        devdb.leave(self.folder)
        say("Stopped.")


def _ask_ready(port: int, meanwhile: Callable[[], None]) -> str:
    """
    Return the status of /readyz, with what it says when it is not 200.

    The port is ours before anybody serves it, so the question waits there for the web server;
    meanwhile is called again and again until the answer comes, and may raise to give up.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        meanwhile()
        while not select.select([connection.sock], [], [], 0)[0]:
            meanwhile()
        response = connection.getresponse()
        body = response.read(500).decode(errors="replace")
        return "200" if response.status == 200 else f"{response.status} {body}"
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()
