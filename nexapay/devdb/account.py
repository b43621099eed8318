"""
As whom PostgreSQL runs.

PostgreSQL refuses to run as root. Where we are root it runs in a user namespace in which root is
called nobody: no account is made and no file changes hands. Where namespaces are refused (Docker's
default, for one) it becomes an ordinary account, and keeps from root only the right to pass through
directories, if its files lie where that account could not reach them.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nexapay.devdb.home import DatabaseFailed
from nexapay.processes import die_with_parent

_CLONE_NEWUSER = 0x10000000
_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522
_NOBODY = 65534
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Account:
    """How a PostgreSQL program is started. uid is the owner of its files as we see them."""

    uid: int
    become: Callable[[], None]

    def before_exec(self) -> Callable[[], None]:
        """Return a preexec_fn; should we die, PostgreSQL shuts itself down cleanly (SIGINT)."""
        parent = os.getpid()

        def prepare() -> None:
            self.become()
            die_with_parent(parent, signal.SIGINT)

        return prepare


def choose_account(data: Path, programs: Path) -> Account:
    """Decide as whom PostgreSQL runs on this data directory, and let that account own it."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), lambda: None)
    owner = data.stat().st_uid if data.exists() else 0
    if owner == 0 and _works(_enter_namespace):
        return Account(0, _enter_namespace)
    account = _ordinary_account(owner)
    passing = not (_anyone_may_enter(data.parent) and _anyone_may_enter(programs))
    chosen = Account(account.pw_uid, lambda: _become(account, passing=passing))
    if not _works(chosen.become):
        raise DatabaseFailed(
            "PostgreSQL refuses to run as root, and this system lets root become nobody else; "
            "start NexaPay as an ordinary user."
        )
    return chosen


def give(path: Path, uid: int) -> None:
    """Let uid own a directory with all that is in it, if it does not yet."""
    if not path.exists() or path.lstat().st_uid == uid:
        return
    for found in _tree(path):
        os.chown(found, uid, -1, follow_symlinks=False)


def _tree(path: Path) -> Iterator[Path]:
    """Yield all below path and path last, so that a walk cut short is seen as unfinished."""
    for folder, _folders, files in os.walk(path, topdown=False):
        yield from (Path(folder, name) for name in files)
        yield Path(folder)


def _ordinary_account(owner: int) -> pwd.struct_passwd:
    """Return the account that owns the data already, or else nobody."""
    with suppress(KeyError):
        return pwd.getpwuid(owner or _NOBODY)
    with suppress(KeyError):
        return pwd.getpwnam("nobody")
    uid = owner or _NOBODY
    return pwd.struct_passwd(("nobody", "x", uid, uid, "", "/", "/bin/false"))


def _enter_namespace() -> None:
    """Be nobody inside a new user namespace, and stay root seen from outside."""
    gid = os.getegid()  # Inside the namespace it has no name until we give it one.
    unshare = getattr(_LIBC, "unshare", None)  # Linux alone has it.
    if unshare is None or unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are refused")
    # One id to one id, so the kernel lets us write the maps ourselves.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NOBODY} 0 1")
    Path("/proc/self/gid_map").write_text(f"{_NOBODY} {gid} 1")


def _become(account: pwd.struct_passwd, *, passing: bool) -> None:
    """Be an ordinary account, for good."""
    if passing and sys.platform == "linux":
        _LIBC.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    if passing and not any(map(_keep, (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE))):
        raise PermissionError("the account cannot reach its files")


def _keep(capability: int) -> bool:
    """Hold on to one capability through the coming exec; tell whether that was allowed."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(*[1 << capability] * 3, 0, 0, 0)
    if _LIBC.capset(header, data) != 0:
        return False
    return bool(_LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def _anyone_may_enter(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _works(become: Callable[[], None]) -> bool:
    """Try in a child whether a change of account is allowed here."""
    child = os.fork()
    if child == 0:
        with suppress(OSError):
            become()
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0
