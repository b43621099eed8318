"""
Makes `.venv` hold exactly what requirements.lock says. Standard library only.

A marker stands in `.venv` while something is being installed; one that is found with its marker
was cut short, and is made anew. An flock keeps two starts apart; the installer inherits it, so that
even an installer whose parent was killed is waited for.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nexapay.processes import dying_with_us
from nexapay.progress import Refusal, say

PIP = Path("nexapay/vendor/pip-26.3-py3-none-any.whl")
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
RUNTIME, TESTS = Path("requirements.lock"), Path("tests/requirements.lock")
HEARTBEAT_S = 4.0


def python(root: Path) -> Path:
    """Return the interpreter of `.venv`."""
    return root / ".venv" / "bin" / "python"


def ensure(root: Path, *, tests: bool = False) -> None:
    """
    Install what is missing, for running or (tests=True) for testing as well.

    :raises Refusal: when it cannot be installed.
    """
    if _is_complete(root, tests=tests):
        return
    try:
        with _only_one(root) as lock:
            if not _is_complete(root):
                _make_venv(root)
                _install(root, RUNTIME, lock)
            if not _is_complete(root, tests=tests):
                _install(root, TESTS, lock)
    except OSError as error:
        raise Refusal(f"NexaPay cannot be installed into {root / '.venv'}: {error}") from error


def _stamp(root: Path, lock: Path) -> Path:
    return root / ".venv" / f"installed-{lock.parent.name or 'runtime'}"


def _marker(root: Path) -> Path:
    return root / ".venv" / "installing"


def _fingerprint(root: Path, lock: Path) -> str:
    """Return what a stamp must say: what was locked, and for which Python it was installed."""
    digest = hashlib.sha256((root / lock).read_bytes()).hexdigest()
    return f"{digest} {python(root).resolve()}"


def _is_complete(root: Path, *, tests: bool = False) -> bool:
    if _marker(root).exists() or not os.access(python(root), os.X_OK):
        return False
    locks = [RUNTIME, TESTS] if tests else [RUNTIME]
    stamps = [_stamp(root, lock) for lock in locks]
    return all(
        stamp.exists() and stamp.read_text() == _fingerprint(root, lock)
        for stamp, lock in zip(stamps, locks, strict=True)
    )


@contextmanager
def _only_one(root: Path) -> Iterator[int]:
    """Hold the lock on installing; yields its descriptor."""
    lock = os.open(root / RUNTIME, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another start is installing; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def _make_venv(root: Path) -> None:
    """Make an empty .venv. Without pip, for Debian's Python has no ensurepip."""
    folder = root / ".venv"
    if folder.exists():
        say("Removing a .venv that is out of date or was cut short ...")
        shutil.rmtree(folder)
    say(f"Making .venv with Python {sys.version.split()[0]} ...")
    venv.create(folder, with_pip=False, symlinks=True)


def _install(root: Path, lock: Path, flock: int) -> None:
    _marker(root).touch()
    uv = shutil.which("uv")
    packages = sum(line[0].isalnum() for line in (root / lock).read_text().split("\n") if line)
    # uv does not read pip's configuration, so where pip may reach a mirror, uv may reach nothing.
    done = bool(uv) and _succeeds(_uv(str(uv), root, lock), f"{packages} packages with uv", flock)
    if not done and not _succeeds(_pip(root, lock), f"{packages} packages with pip", flock):
        raise Refusal("NexaPay could not be installed; the installer's reason is above.")
    _stamp(root, lock).write_text(_fingerprint(root, lock))
    _marker(root).unlink()


def _uv(uv: str, root: Path, lock: Path) -> list[str]:
    command = [uv, "pip", "install", "--python", str(python(root)), "--require-hashes"]
    return [*command, "--no-deps", "--only-binary", ":all:", "-r", str(root / lock)]


def _pip(root: Path, lock: Path) -> list[str]:
    """
    Run pip out of its own wheel, so that no Python needs to have one.

    By the Python of .venv itself: pip's --python would start a second process, out of our hands.
    """
    wheel = root / PIP
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != PIP_SHA256:
        raise Refusal(f"{PIP} is not the file that was released; get it again.")
    command = [str(python(root)), "-I", str(wheel / "pip"), "install"]
    command += ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile"]
    command += ["--no-input", "--disable-pip-version-check", "--root-user-action", "ignore"]
    return [*command, "--progress-bar", "off", "-r", str(root / lock)]


def _succeeds(command: list[str], what: str, flock: int) -> bool:
    """Run an installer, with a sign of life every few seconds; show its output if it fails."""
    say(f"Installing {what} ...")
    installer = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=(flock,),
        preexec_fn=dying_with_us(),
    )
    try:
        lines = _watch(installer)
    except BaseException:
        installer.terminate()
        installer.wait()
        raise
    if installer.wait() == 0:
        return True
    print("\n".join(lines[-15:]), file=sys.stderr, flush=True)
    say(f"{what.split()[-1]} could not install them.")
    return False


def _watch(installer: "subprocess.Popen[str]") -> list[str]:
    """Collect what an installer prints, until it ends."""
    lines: list[str] = []
    assert installer.stdout is not None  # noqa: S101 - for the type checker
    reader = threading.Thread(target=lines.extend, args=(map(str.rstrip, installer.stdout),))
    reader.start()
    told_at = time.monotonic()
    while reader.is_alive():
        reader.join(0.1)
        if time.monotonic() - told_at > HEARTBEAT_S:
            told_at = time.monotonic()
            say(f"  ... {_doing(lines)}")
    return lines


def _doing(lines: list[str]) -> str:
    """Say how far an installer has come."""
    if any(line.startswith("Installing") for line in lines):
        return "unpacking"
    collected = [line.split()[1] for line in lines if line.startswith("Collecting ")]
    return f"{len(collected)} fetched, now {collected[-1]}" if collected else "working"
