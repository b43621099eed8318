"""
The site under torture, as one plain run starts it, and its processes by what they do.

Nothing is asked of it but what an operator may ask: start, stop, and the ids of its processes.
"""

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

from bench.torture.clients import until
from nexapay.datadir import ROOT, secret
from nexapay.processes import Guard, dying_with_us, kill_group

MARK = "NEXAPAY_TORTURED"  # In the environment of the site's processes, and of no other.
START_LIMIT_S = 120.0
STOP_LIMIT_S = 40.0
_ADDRESS = re.compile(r"NexaPay runs on (http://127\.0\.0\.1:([0-9]+))")


class Broken(Exception):
    """The site does not do what every site must; the message says what."""


class Site:
    """One site and its data, in folder: data/ is its data directory, site.log what it said."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.log = folder / "site.log"
        self.address = ""
        self._port = 0
        self._guard = Guard()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def webhook_secret(self) -> str:
        """What its bank signs with."""
        return secret(self.data, "BANK_WEBHOOK_SECRET")

    # Starting and stopping

    def start(self) -> None:
        """
        Start it and return when it says that it runs.

        :raises Broken: if it does not.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while not self._starts():
            if time.monotonic() > deadline:
                raise Broken(f"the site does not start; see {self.log}")
            time.sleep(0.1)  # As an operator would, who finds the port still taken.

    def _starts(self) -> bool:
        """Try to start it once; tell whether it runs."""
        said = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-P", "-m", "nexapay.supervisor", "serve", "--no-demo-data"]
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                [*command, "--port", str(self._port)],
                env=environment(self.data),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_us(),
            )
        self._guard.add(process.pid)
        until(lambda: self._is_up(said) or process.poll() is not None, START_LIMIT_S)
        return self._is_up(said)

    def _is_up(self, said: int) -> bool:
        with self.log.open("rb") as log:
            log.seek(said)
            found = _ADDRESS.search(log.read().decode(errors="replace"))
        if found:
            self.address, self._port = found[1], int(found[2])
        return found is not None

    def kill(self) -> None:
        """Kill its first process with SIGKILL, and return at once."""
        if self._process is not None:
            self._process.kill()
            self._bury(self._process)

    def kill_all(self) -> None:
        """Kill everything of it at once, PostgreSQL and its keeper too, as a power cut does."""
        left = self._left()
        if self._process is not None:
            self._process.kill()
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        if self._process is not None:
            self._bury(self._process)

    def stop(self) -> None:
        """Ask it to stop, and see to it that all of it has."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_LIMIT_S)
            kill_group(self._process.pid)
            self._bury(self._process)
        if not until(self.is_gone, STOP_LIMIT_S, pause_s=0.2):
            raise Broken(f"processes are left behind: {self._left()}")

    def close(self) -> None:
        """Stop it, by force in the end, and the guard that would have."""
        try:
            self.stop()
        finally:
            self.kill_all()
            self._guard.close()

    def _bury(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        self._guard.remove(process.pid)
        self._process = None

    def is_gone(self) -> bool:
        """Tell whether nothing of it runs."""
        return not self._left()

    def _left(self) -> list[psutil.Process]:
        """Return the processes that were started for this site."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.environ().get(MARK) == str(self.data):
                return True
            return any(str(self.data / "postgres") in word for word in process.cmdline())
        return False

    # Its processes

    def is_ready(self) -> bool:
        """Ask it whether it serves."""
        try:
            return httpx.get(f"{self.address}/readyz", timeout=3, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def supervised(self, word: str) -> psutil.Process:
        """
        Return the service whose command line has this word.

        :raises Broken: if it does not run.
        """
        if self._process is not None:
            for child in psutil.Process(self._process.pid).children():
                with suppress(psutil.Error):
                    if word in " ".join(child.cmdline()):
                        return child
        raise Broken(f"{word} does not run")

    def web_workers(self) -> list[psutil.Process]:
        """Return gunicorn's workers."""
        return list(self.supervised("gunicorn").children())

    def bank(self) -> psutil.Process:
        """Return the simulated bank."""
        return self.supervised("simbank")

    def keeper(self) -> psutil.Process:
        """Return the process that keeps PostgreSQL running."""
        return psutil.Process(int((self.data / "postgres/keeper.lock").read_text()))

    def postmaster(self) -> psutil.Process:
        """Return PostgreSQL's first process."""
        pid_file = self.data / "postgres/data/postmaster.pid"
        return psutil.Process(int(pid_file.read_text().splitlines()[0]))

    def backends(self) -> list[psutil.Process]:
        """Return the PostgreSQL processes that serve the site's connections."""
        children = self.postmaster().children()
        return [p for p in children if " nexapay_app " in " ".join(p.cmdline())]


def environment(data: Path) -> dict[str, str]:
    """Return what a plain run on this data directory is started with: nothing of ours."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data.parent),
        "NEXAPAY_DATA_DIR": str(data),
        MARK: str(data),
        "PYTHONPATH": str(ROOT),
    }
