"""
What history costs: the same pages and sends with 10 thousand, 1 million and 10 million entries.

Every size is reached by posting more of the same through the journal, which takes its time: about
a quarter of an hour for the last. A copy of the database is kept at each, so that all sizes are
measured side by side in the end. check_ledger runs at each size, with its memory.
"""

import resource
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import psycopg
from django.db import connection
from django.utils import timezone

from bench import history, pages, people, report
from bench.report import Case, Ratio
from bench.transfers import sender
from wallet import audit

WALLETS = 200
SIZES = (10_000, 1_000_000, 10_000_000)
REPEATS, WARM_UP = 40, 5
SETTLING = 500  # Sends. The first after a checkpoint write whole pages, and rest() has made one.
MOST = 1.2


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure and report. only, a number, leaves the larger sizes out."""
    sizes = [size for size in SIZES if not only or size <= int(only)]
    wallets = people.make_rich(WALLETS)
    person = pages.Person(wallets[0], wallets)
    checks: dict[str, float] = {}
    for before, size in zip([0, *sizes], sizes, strict=False):
        history.make(wallets, (size - before) // 2)
        checks |= check(size)
        keep_copy(size)
    rest()
    settle(person, sizes)
    cases = measured(person, sizes)
    report.alternate(cases, rounds)
    report.finish("growth", cases, ratios(cases, sizes), check_ledger=checks)


def keep_copy(size: int) -> None:
    """Copy the database as it is."""
    source = connection.settings_dict["NAME"]
    connection.close()
    with _superuser() as cluster:
        cluster.execute(f'CREATE DATABASE "{copy_of(size)}" TEMPLATE "{source}"')


def copy_of(size: int) -> str:
    """Return the name of the database with so many entries."""
    return f"with_{size}"


def rest() -> None:
    """Do now what PostgreSQL would do beside us, soon after so much was written."""
    with _superuser() as cluster:
        names = cluster.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
    for (name,) in names:
        with _superuser(name) as database:
            database.execute("VACUUM (FREEZE, ANALYZE)")
            database.execute("CHECKPOINT")


def settle(person: pages.Person, sizes: list[int]) -> None:
    """Send until a send costs what it does for most of the time, at all sizes."""
    for size in sizes:
        use(size)
        act = sender(person.others)(0)
        for _ in range(SETTLING):
            act()


def use(size: int) -> None:
    """Work in the database with so many entries from now on."""
    connection.close()
    connection.settings_dict["NAME"] = copy_of(size)


def _superuser(name: str = "postgres") -> psycopg.Connection[tuple[str, ...]]:
    host = connection.get_connection_params()["host"]
    return psycopg.connect(host=host, user="postgres", dbname=name, autocommit=True)


def measured(person: pages.Person, sizes: list[int]) -> list[Case]:
    """Return what is measured: pages of one person and sends, each at all sizes in turn."""
    visitor = pages.browser(person)
    acts: dict[str, Callable[[], Callable[[], object]]] = {
        "dashboard": lambda: partial(visitor.get, "/dashboard/"),
        "history": lambda: partial(visitor.get, "/transactions/"),
        "history, deep": lambda: partial(visitor.get, pages.deep_page(person)),
        "send": lambda: sender(person.others)(0),
    }
    return [
        Case(f"{name}, {size:,} entries", partial(visit, prepare, size), " ms")
        for name, prepare in acts.items()
        for size in sizes
    ]


def visit(prepare: Callable[[], Callable[[], object]], size: int) -> float:
    """Return the median time of an act with so many entries, in milliseconds."""
    use(size)
    act, took = prepare(), []
    for number in range(WARM_UP + REPEATS):
        began = time.perf_counter()
        act()
        if number >= WARM_UP:
            took.append((time.perf_counter() - began) * 1000)
    return median(took)


def check(size: int) -> dict[str, float]:
    """Run check_ledger once; return its rate, and how much memory this process has needed."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    began = time.perf_counter()
    found = audit.run(clock=timezone.now, progress=report.progress)
    spent = time.perf_counter() - began
    if not found.ok:
        raise RuntimeError(f"The books do not agree: {found.findings[0]}")
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.progress(f"check_ledger: {found.entries:,} entries in {spent:.1f} s, {used:.0f} MiB")
    return {f"{size} entries/s": round(found.entries / spent), f"{size} MiB": round(used)}


def ratios(cases: list[Case], sizes: list[int]) -> list[Ratio]:
    """Compare the largest size with the smallest."""
    measured = report.by_name(cases)
    first, last = f"{sizes[0]:,} entries", f"{sizes[-1]:,} entries"
    return [
        Ratio.between(measured[f"{name}, {last}"], measured[f"{name}, {first}"], MOST, at_most=True)
        for name in ("dashboard", "history", "history, deep", "send")
    ]
