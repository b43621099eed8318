"""
A small disk in the place of the site's data, for the rounds that fill it.

It is a tmpfs, mounted where nobody but the torture and the site see it: in a mount namespace of
their own, which goes, with the mount, when the last of them ends. The kernel lets only some do
that; for the others the fault is left out, and the report says why.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from bench.torture.site import Site

SPARE_BYTES = 64 * 2**20  # What is free before the fault: a few segments of write-ahead log.
_CLONE_NEWNS = 0x00020000
_MS_PRIVATE_ALL_BELOW = 0x40000 | 0x4000
_LIBC = ctypes.CDLL(None, use_errno=True)


def own_mounts() -> str:
    """Give this process mounts of its own; return why that is refused, or "" when it is done."""
    if sys.platform != "linux":
        return "this system has no mount namespaces"
    if _LIBC.unshare(_CLONE_NEWNS) != 0:
        return f"a mount namespace is refused ({os.strerror(ctypes.get_errno())})"
    return _mount(b"none", b"/", None, _MS_PRIVATE_ALL_BELOW, None)


def _mount(
    source: bytes, target: bytes, kind: bytes | None, flags: int, options: bytes | None
) -> str:
    if _LIBC.mount(source, target, kind, ctypes.c_ulong(flags), options) != 0:
        return f"a mount is refused ({os.strerror(ctypes.get_errno())})"
    return ""


@contextmanager
def small(site: Site) -> Iterator[None]:
    """
    Let the site run from a small disk for a while; its data comes along, and back at the end.

    :raises OSError: if it cannot be mounted.
    """
    aside = site.data.with_name("data.aside")
    site.stop()
    site.data.rename(aside)
    try:
        _fit(site.data, aside)
        site.start()
        yield
    finally:
        site.stop()
        _bring_back(site.data, aside)
    site.start()


def _fit(data: Path, aside: Path) -> None:
    data.mkdir(mode=0o700)
    size = sum(path.lstat().st_blocks * 512 for path in aside.rglob("*")) + SPARE_BYTES
    options = f"size={size},mode=0700".encode()
    if refusal := _mount(b"tmpfs", os.fsencode(data), b"tmpfs", 0, options):
        raise OSError(refusal)
    _copy(aside, data)


def _bring_back(data: Path, aside: Path) -> None:
    """Put the data back on the large disk, whatever became of it: it is the evidence."""
    if os.path.ismount(data):
        shutil.rmtree(aside)
        aside.mkdir(mode=0o700)
        _copy(data, aside)
        if _LIBC.umount2(os.fsencode(data), 0) != 0:
            raise OSError(ctypes.get_errno(), "the small disk cannot be taken away")
    data.rmdir()
    aside.rename(data)


def _copy(source: Path, target: Path) -> None:
    """Copy with owners, modes and times, which PostgreSQL looks at."""
    subprocess.run(["/bin/cp", "-a", f"{source}/.", str(target)], check=True)


def fill(folder: Path, seconds: float) -> None:
    """Leave no byte free for so long, whatever is freed meanwhile; then give all of it back."""
    ballast = folder / "ballast"
    deadline = monotonic() + seconds
    try:
        with ballast.open("wb") as file:
            while monotonic() < deadline:
                _grow(file.fileno(), folder)
                sleep(0.02)
    finally:
        ballast.unlink()


def _grow(file: int, folder: Path) -> None:
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free:
        try:
            os.posix_fallocate(file, os.fstat(file).st_size, free)
        except OSError:
            sleep(0)  # Somebody else took it first.
