"""Where one embedded cluster keeps its files, and what they say."""

import fcntl
import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 104  # bytes, the smallest of the supported systems'

READY = "ready"


class DatabaseFailed(Exception):
    """The embedded PostgreSQL cannot be used; the message says why, for a person."""


@dataclass(frozen=True)
class Home:
    """The directory of one cluster. Everything about it is in there, but for a long socket path."""

    path: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """What PostgreSQL and its keeper have to say."""
        return self.path / "postgres.log"

    @property
    def sockets(self) -> Path:
        """The private directory of the Unix socket, under /tmp where ours is too deep."""
        inside = self.path / "s"
        if len(os.fsencode(inside / SOCKET_NAME)) < SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(f"/tmp/nexapay-{os.getuid()}-{digest}")  # noqa: S108 - owner is checked

    @property
    def clients(self) -> Path:
        """Every client holds a shared flock on this file."""
        return self.path / "clients.lock"

    @property
    def keeper(self) -> Path:
        """The keeper holds an exclusive flock on this file and writes its pid into it."""
        return self.path / "keeper.lock"

    @property
    def status_file(self) -> Path:
        """Says `ready`, or why it never will be."""
        return self.path / "status"

    def status(self) -> str:
        """Return what the keeper said last, or "" while it says nothing."""
        with suppress(FileNotFoundError):
            return self.status_file.read_text()
        return ""

    def say(self, status: str) -> None:
        """Replace the status, so that nobody reads half of one."""
        draft = self.status_file.with_suffix(".new")
        draft.write_text(status)
        draft.replace(self.status_file)

    def is_kept(self) -> bool:
        """Tell whether a keeper lives."""
        return is_locked(self.keeper)

    def log_tail(self, lines: int = 8) -> str:
        """Return the end of the log, for an error message."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


def open_lock(path: Path) -> int:
    """Open (and make) a lock file; the descriptor is not inherited by other programs."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock if nobody holds any."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Tell whether another process holds a lock on this file."""
    descriptor = open_lock(path)
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def make_private(path: Path, *owners: int) -> None:
    """Make a directory that only its owner may enter; refuse one that somebody else prepared."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), *owners):
        raise DatabaseFailed(f"{path} belongs to somebody else; remove it and start again.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)
