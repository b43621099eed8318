"""
50,000 webhooks at once: taken by a queued inbox and drained by the worker, beside a person's pages.

One run is one spike; --only NUMBER makes it smaller or larger. It fails if any webhook is refused,
or any is not credited exactly once.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from threading import Event, Thread

from django.db.models import Sum
from django.utils import timezone

from bench import cluster, http, pages, people, report
from bench.http import Answers, Client
from bench.report import Case, Ratio
from onramp.models import BankEvent, OnRampTransaction
from wallet import audit
from wallet.models import Balance, Wallet

NUMBER, CLIENTS, WALLETS = 50_000, 32, 1_000
MOST_MS = 1_000
CREDIT_MINOR = 10_00


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure once and report; only, a number, is how many webhooks there are."""
    number = int(only) if only else NUMBER
    report.progress(f"Making {WALLETS} people and {number:,} on-ramps ...")
    wallets = people.make_rich(WALLETS)
    before = held()
    onramps = people.ask_many(wallets, number, timezone.now())
    os.environ["BANK_WEBHOOK_MODE"] = "queue"
    with http.gunicorn() as site, worker():
        cases, ratios = _spike(site, wallets, onramps)
    prove(number, held() - before)
    report.finish("spike", cases, ratios)


@contextmanager
def worker() -> "Iterator[None]":
    """Run one, as beside a site."""
    quiet = subprocess.DEVNULL if "BENCH_LOUD" not in os.environ else None
    command = [sys.executable, cluster.MANAGE, "worker"]
    worker = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        http.stop([worker])


def _spike(
    site: http.Site, wallets: list[Wallet], onramps: list[OnRampTransaction]
) -> tuple[list[Case], list[Ratio]]:
    report.progress("Signing ...")
    requests = http.webhooks(onramps, CLIENTS)
    with visitor(site, wallets) as seen:
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            done = list(pool.map(lambda n: post(site.port, requests(n)), range(CLIENTS)))
        accepted_s = time.perf_counter() - began
        report.progress(f"accepted in {accepted_s:.1f} s; draining ...")
        _wait_until_drained()
        drained_s = time.perf_counter() - began
    took = Answers(took_ms=[ms for each in done for ms in each])
    cases = [
        case("webhooks accepted", len(onramps) / accepted_s, "/s"),
        case("webhooks applied, from the first", len(onramps) / drained_s, "/s"),
        case("half of the webhooks were answered within", took.percentile(50), " ms"),
        case("pages and payments meanwhile, half within", seen.percentile(50), " ms"),
        case("pages and payments meanwhile, 99 % within", seen.percentile(99), " ms"),
        case("all were applied after the last was accepted", drained_s - accepted_s, " s"),
    ]
    name = "99 % of the webhooks were answered within, ms"
    return cases, [Ratio(name, took.percentile(99), MOST_MS, at_most=True)]


def case(name: str, figure: float, unit: str) -> Case:
    """Return one figure of one run."""
    return Case(name, lambda: figure, unit, [figure])


def post(port: int, requests: Iterator[bytes]) -> list[float]:
    """Post one after the other; return how long each answer took, in milliseconds."""
    took = []
    with Client(port) as client:
        for request in requests:
            began = time.perf_counter()
            status, body = client.ask(request)
            took.append((time.perf_counter() - began) * 1000)
            if status != 202:
                raise RuntimeError(f"A webhook was answered {status}: {body!r}")
    return took


@contextmanager
def visitor(site: http.Site, wallets: list[Wallet]) -> "Iterator[Answers]":
    """Somebody who looks at their dashboard and history and pays, all the while."""
    person, seen, is_over = pages.Person(wallets[0], wallets[:50]), Answers(), Event()
    acts = (
        lambda: person.get("/dashboard/"),
        lambda: person.get("/transactions/"),
        person.confirm,
    )

    def visit() -> None:
        with Client(site.port) as client:
            for act in cycle(acts):
                if is_over.is_set():
                    return
                request, began = act(), time.perf_counter()
                status, _ = client.ask(request)
                seen.took_ms.append((time.perf_counter() - began) * 1000)
                seen.statuses[status] = seen.statuses.get(status, 0) + 1

    thread = Thread(target=visit)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()
    if bad := {status for status in seen.statuses if status >= 400}:
        raise RuntimeError(f"Somebody's page was answered {bad}.")


def _wait_until_drained() -> None:
    while left := BankEvent.objects.filter(status=BankEvent.Status.RECEIVED).count():
        report.progress(f"{left:,} wait")
        time.sleep(1)


def held() -> int:
    """Return what people and the house hold, in minor units."""
    return int(Balance.objects.aggregate(held=Sum("available_minor"))["held"] or 0)


def prove(number: int, brought_minor: int) -> None:
    """Every on-ramp was credited, once: payments among people change no sum."""
    report.progress("Proving ...")
    settled = OnRampTransaction.objects.filter(status="success", amount_minor=CREDIT_MINOR)
    found = audit.run(clock=timezone.now)
    if settled.count() != number or brought_minor != number * CREDIT_MINOR or not found.ok:
        raise RuntimeError(f"{settled.count()} of {number} settled, {found.findings}")
