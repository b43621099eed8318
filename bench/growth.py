"""
What history costs: the same pages and sends with 10 thousand, 1 million and 10 million entries.

Every size is reached by posting more of the same through the journal, which takes its time: about
half an hour for the last. check_ledger is measured at each size, with its memory.
"""

import resource
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from django.db import connection
from django.utils import timezone

from bench import history, pages, people, report
from bench.report import Case, Ratio
from bench.transfers import sender
from wallet import audit
from wallet.models import Wallet

WALLETS = 200
SIZES = (10_000, 1_000_000, 10_000_000)
REPEATS = 20
MOST = 1.2


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure and report. only, a number, leaves the larger sizes out."""
    sizes = [size for size in SIZES if not only or size <= int(only)]
    wallets = people.make_rich(WALLETS)
    cases: list[Case] = []
    checks: dict[str, float] = {}
    for before, size in zip([0, *sizes], sizes, strict=False):
        history.make(wallets, (size - before) // 2)
        cases += measured(wallets, size, rounds, seconds)
        checks |= check(size)
    report.finish("growth", cases, ratios(cases, sizes), check_ledger=checks)


def measured(wallets: list[Wallet], size: int, rounds: int, seconds: float) -> list[Case]:
    """Measure the pages of one person, and sends, at this size."""
    person = pages.Person(wallets[0], wallets)
    deep = pages.deep_page(person)
    visitor = pages.browser(person)
    cases = [
        Case(f"{name}, {size:,} entries", partial(visit, partial(visitor.get, path)), " ms")
        for name, path in (
            ("dashboard", "/dashboard/"),
            ("history", "/transactions/"),
            ("history, deep", deep),
        )
    ]
    send = sender(wallets)(0)
    cases.append(Case(f"send, {size:,} entries", partial(visit, send), " ms"))
    report.alternate(cases, rounds)
    return cases


def visit(act: Callable[[], object]) -> float:
    """Return the median time of an act, in milliseconds."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        act()
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
    figures = {case.name: case.median for case in cases}
    first, last = f"{sizes[0]:,} entries", f"{sizes[-1]:,} entries"
    return [
        Ratio(
            f"{name} at {last} to {first}",
            figures[f"{name}, {last}"] / figures[f"{name}, {first}"],
            MOST,
            at_most=True,
        )
        for name in ("dashboard", "history", "history, deep", "send")
    ]
