"""A throw-away PostgreSQL with everything NexaPay needs on it: fsync on, defaults otherwise."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from django.core.management.base import CommandError

from nexapay import datadir, devdb
from nexapay.datadir import ROOT, Environment

_KEPT = ("PATH", "HOME", "LANG", "BENCH_LOUD")
MANAGE = str(ROOT / "manage.py")


@contextmanager
def throw_away() -> Iterator[Environment]:
    """
    Make a cluster beside the application's own, migrate it, and remove it at the end.

    Yields the environment for whoever works on it, as the role that serves. It lies on the disk
    the application would use: in a memory file system fsync would cost nothing.
    """
    base = Path(os.environ.get("NEXAPAY_DATA_DIR") or ROOT / ".nexapay") / "bench"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base))
    try:
        devdb.url(folder)
        _prepare(environment(folder, role="nexapay"))
        _let_it_make_tables(folder)
        yield environment(folder, role="nexapay_app")
    finally:
        devdb.leave(folder)
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove it, though a PostgreSQL with much to write may still be stopping and do so as well."""
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def _prepare(owning: Environment) -> None:
    for arguments in (["prepare"], ["collectstatic", "--noinput", "--verbosity", "0"]):
        if run(MANAGE, *arguments, environment=owning):
            raise CommandError("The cluster could not be prepared; the reason is above.")


def environment(folder: Path, *, role: str) -> Environment:
    """Return what a process needs to work on the cluster in folder, and nothing of the caller's."""
    given = {name: value for name, value in os.environ.items() if name in _KEPT}
    ours = datadir.environment(
        given,
        folder,
        database_url=devdb.address(folder, role=role),
        site_port=8000,
        bank=datadir.last_bank_port(folder),
    )
    return {**ours, "PYTHONPATH": str(ROOT)}


def run(*arguments: str, environment: Environment) -> int:
    """Run Python with these arguments and return its exit code."""
    return subprocess.run([sys.executable, *arguments], env=environment).returncode


def _let_it_make_tables(folder: Path) -> None:
    """The serving role makes nothing, but a bench may bring a baseline's tables."""
    with psycopg.connect(devdb.address(folder, role="nexapay")) as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO nexapay_app")
