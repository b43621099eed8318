"""
Child processes that never outlive the process that started them.

Two ways, because neither is enough alone. On Linux the kernel kills a child whose parent died
(PR_SET_PDEATHSIG). Everywhere, a guard process waits at the end of a pipe that only the parent
holds open: when it closes, however the parent died, the guard kills every group it was told of.

Standard library only: `python -I processes.py` is the guard.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 5.0
SETTLED_AFTER_S = 10.0


def die_with_parent(parent: int, signum: int = signal.SIGKILL) -> None:
    """Have Linux send this process signum when its parent dies; call it in the child."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if os.getppid() != parent:  # It died before we could ask.
        os.kill(os.getpid(), signum)


def dying_with_us() -> Callable[[], None]:
    """Return a preexec_fn that ties a child to the calling process."""
    parent = os.getpid()
    return lambda: die_with_parent(parent)


def kill_group(pid: int, signum: int = signal.SIGKILL) -> None:
    """Signal a whole process group, if any of it is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signum)


class Told(Exception):
    """We were told to stop before everything ran."""


class Signals:
    """Notes the signals that mean "stop", and wakes whoever waits."""

    def __init__(self) -> None:
        self.stops = 0
        self._wake, self._writer = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) != signal.SIG_IGN:  # As nohup leaves SIGHUP.
                signal.signal(signum, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.stops += 1

    def pause(self, seconds: float) -> None:
        """Sleep, but not through a signal."""
        if select.select([self._wake], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                os.read(self._wake, 4096)

    def check(self) -> None:
        """Raise Told once we were told to stop."""
        if self.stops:
            raise Told


class Guard:
    """The process that kills our children's groups should we die without a word."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process = self._spawn()

    def _spawn(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-I", __file__, *map(str, self._groups)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        with suppress(BrokenPipeError):  # check() replaces a guard that is gone.
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def add(self, group: int) -> None:
        """Put a process group under guard."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a group that is gone."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def check(self) -> None:
        """Replace a guard that died, and tell the new one what the old one knew."""
        if self._process.poll() is None:
            return
        self._close_pipe()
        self._process = self._spawn()

    def close(self) -> None:
        """End the guard; whatever is still under it dies."""
        self._close_pipe()
        self._process.wait()

    def _close_pipe(self) -> None:
        with suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()


class Log(Protocol):
    """Where a service's standard error goes; the terminal's, where it has no log."""

    def open(self) -> int:
        """Return a descriptor to write to; who asked closes it."""


@dataclass
class Service:
    """A command that is to run until we stop it."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    pass_fds: Sequence[int] = ()
    log: Log | None = None
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    failures: int = field(default=0, init=False)
    started_at: float = field(default=0.0, init=False)
    due_at: float = field(default=0.0, init=False)


class Supervisor:
    """Starts services, starts them again when they die, and stops them together."""

    def __init__(self, services: Sequence[Service], guard: Guard, say: Callable[[str], None]):
        self.services = services
        self._guard = guard
        self._say = say

    def tick(self) -> None:
        """Start what is due and notice what died; call it often."""
        self._guard.check()
        for service in self.services:
            if service.process is None:
                if time.monotonic() >= service.due_at:
                    self._start(service)
            elif service.process.poll() is not None:
                self._bury(service, service.process)

    def _start(self, service: Service) -> None:
        log = service.log.open() if service.log else None
        try:
            service.process = subprocess.Popen(
                service.argv,
                env=service.env,
                pass_fds=service.pass_fds,
                stdin=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_us(),
            )
        finally:
            if log is not None:
                os.close(log)
        service.started_at = time.monotonic()
        self._guard.add(service.process.pid)

    def _bury(self, service: Service, process: "subprocess.Popen[bytes]") -> None:
        """Plan the next start of a service that died, and remove what it left behind."""
        kill_group(process.pid)
        self._guard.remove(process.pid)
        settled = time.monotonic() - service.started_at > SETTLED_AFTER_S
        service.failures = 1 if settled else service.failures + 1
        wait_s = min(FIRST_BACKOFF_S * 2 ** (service.failures - 1), LONGEST_BACKOFF_S)
        service.due_at = time.monotonic() + wait_s
        service.process = None
        self._say(
            f"{service.name} ended ({describe_exit(process.returncode)}); "
            f"starting it again in {wait_s:.1f} s."
        )

    def stop(self, *, limit_s: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask every service to end, and kill what has not within limit_s, or when hurried."""
        running = [s for s in self.services if s.process is not None]
        for service in running:
            kill_group(_pid(service), signal.SIGTERM)
        deadline = time.monotonic() + limit_s
        while any(s.process and s.process.poll() is None for s in running):
            if time.monotonic() > deadline or hurry():
                break
            time.sleep(0.02)
        for service in running:
            self._end(service)

    def _end(self, service: Service) -> None:
        kill_group(_pid(service))
        if service.process is not None:
            service.process.wait()
            self._guard.remove(service.process.pid)
        service.process = None


def _pid(service: Service) -> int:
    assert service.process is not None  # noqa: S101 - for the type checker
    return service.process.pid


def describe_exit(returncode: int) -> str:
    """Say in words how a process ended."""
    if returncode >= 0:
        return f"exit {returncode}"
    return signal.Signals(-returncode).name


def _stand_guard() -> None:
    """
    Read "+group" and "-group" lines; at the end of the pipe kill the groups that are left.

    The groups known before are arguments: a parent that dies right after starting us has told us.
    """
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    groups = set(map(int, sys.argv[1:]))
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        kill_group(group)


if __name__ == "__main__":
    _stand_guard()
