"""Child processes: started again when they die, and never left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.run.processes import alive, wait_until

ROOT = Path(__file__).resolve().parents[2]

# Two services, one of which has a child of its own and one of which ignores SIGTERM. argv: folder,
# how to end ("kernel" or "guard" alone, or "both").
PROGRAM = """
import signal, sys
from nexapay import processes
from nexapay.processes import Guard, Service, Signals, Supervisor

folder, way = sys.argv[1:]
if way == "guard":
    processes._LIBC = None
parent = '''
import pathlib, subprocess, sys, time
from nexapay.processes import dying_with_us
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", sys.argv[1]],
                 preexec_fn=dying_with_us())
pathlib.Path(sys.argv[1], "family").write_text("up")
time.sleep(600)
'''
stubborn = '''
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1], "stubborn").write_text("up")
time.sleep(600)
'''
signals, guard = Signals(), Guard()
services = [Service(name, [sys.executable, "-c", code, folder], pass_fds=())
            for name, code in (("family", parent), ("stubborn", stubborn))]
supervisor = Supervisor(services, guard, lambda text: print(text, flush=True))
print(guard._process.pid, flush=True)
while not signals.stops:
    supervisor.tick()
    signals.pause(0.1)
supervisor.stop(limit_s=0.5)
guard.close()
print("stopped", flush=True)
"""


class Started:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, way: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), way],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.guard = int(self.process.stdout.readline())
        for name in ("family", "stubborn"):
            self.wait_for(name)

    def wait_for(self, name: str) -> None:
        wait_until((self.folder / name).exists, f"{name} is up")

    def children(self) -> list[psutil.Process]:
        return [p for p in alive(self.folder) if p.pid != self.process.pid]

    def child(self, name: str) -> psutil.Process:
        mine = psutil.Process(self.process.pid).children()
        return next(p for p in mine if f'"{name}").write_text' in " ".join(p.cmdline()))

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()

    def say(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture
def started(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Started]:
    running = Started(tmp_path, getattr(request, "param", "both"))
    yield running
    running.process.kill()
    running.process.wait()  # Not for the end of its output: whoever is left behind holds that open.
    try:
        wait_until(lambda: not alive(tmp_path), "nothing is left of the test")
    finally:
        for process in alive(tmp_path):
            process.kill()
        running.close()


class TestAService:
    def test_is_started_again_when_it_dies(self, started: Started) -> None:
        before = started.child("stubborn")
        (started.folder / "stubborn").unlink()

        before.kill()

        assert "stubborn ended (SIGKILL); starting it again in 0.2 s." in started.say()
        started.wait_for("stubborn")
        assert started.child("stubborn").pid != before.pid

    def test_takes_what_it_started_along_when_it_dies(self, started: Started) -> None:
        family = started.child("family")
        (grandchild,) = family.children()

        family.kill()

        wait_until(lambda: not grandchild.is_running(), "the grandchild is gone")


class TestTheSupervisor:
    @pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_stops_everything_when_told_to(self, started: Started, signum: int) -> None:
        os.kill(started.process.pid, signum)

        assert started.process.wait() == 0
        assert alive(started.folder) == []

    @pytest.mark.parametrize("started", ["both", "guard"], indirect=True)
    def test_leaves_nothing_behind_when_it_is_killed(self, started: Started) -> None:
        assert len(started.children()) == 3

        started.process.kill()

        wait_until(lambda: not started.children(), "no child is left")
        wait_until(lambda: not psutil.pid_exists(started.guard), "the guard is gone")

    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel does this on Linux alone")
    def test_leaves_nothing_behind_when_its_guard_is_killed_with_it(self, started: Started) -> None:
        os.kill(started.process.pid, signal.SIGSTOP)  # Else it would replace the guard.
        os.kill(started.guard, signal.SIGKILL)

        started.process.kill()

        wait_until(lambda: not started.children(), "no child is left")

    @pytest.mark.parametrize("started", ["guard"], indirect=True)
    def test_replaces_a_guard_that_died(self, started: Started) -> None:
        os.kill(started.guard, signal.SIGKILL)
        mine = psutil.Process(started.process.pid)
        wait_until(lambda: started.guard not in [p.pid for p in mine.children()], "it is buried")
        wait_until(lambda: len(mine.children()) == 3, "there is a new one")

        started.process.kill()

        wait_until(lambda: not started.children(), "no child is left")
