"""
50,000 webhooks that pile up while no worker runs, and how one worker then gets through them.

They come as fast as the door takes them. Once the worker is there, more come by the clock, whatever
is answered, and somebody uses the site all the while. --only NUMBER makes it smaller or larger. It
fails if any webhook is refused, or any is not credited exactly once.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db.models import Max, Min
from django.utils import timezone

from bench import http, people, report
from bench.http import Answers, Client
from bench.report import Case, Ratio
from bench.spike import (
    CLIENTS,
    CREDIT_MINOR,
    MOST_MS,
    NUMBER,
    WALLETS,
    case,
    held,
    post,
    prove,
    visitor,
    worker,
)
from onramp.models import BankEvent, OnRampTransaction
from wallet.models import Wallet

LATER = 20  # One of so many comes later, while the worker is at the others,
A_SECOND = 100  # so many of them a second.
_WAITING = BankEvent.objects.filter(status=BankEvent.Status.RECEIVED)


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure once and report; only, a number, is how many webhooks there are."""
    number = int(only) if only else NUMBER
    report.progress(f"Making {WALLETS} people and {number:,} on-ramps ...")
    wallets = people.make_rich(WALLETS)
    before = held()
    onramps = people.ask_many(wallets, number, timezone.now())
    later, first = onramps[::LATER], [o for n, o in enumerate(onramps) if n % LATER]
    os.environ["BANK_WEBHOOK_MODE"] = "queue"
    with http.gunicorn() as site:
        cases, ratios = _pile_up(site, wallets, first)
        more_cases, more_ratios = _drain(site, wallets, later)
    prove(number, held() - before)
    report.finish("backlog", cases + more_cases, ratios + more_ratios)


def _pile_up(
    site: http.Site, wallets: list[Wallet], onramps: list[OnRampTransaction]
) -> tuple[list[Case], list[Ratio]]:
    report.progress("Signing ...")
    requests = http.webhooks(onramps, CLIENTS)
    with visitor(site, wallets) as seen:
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            done = list(pool.map(lambda n: post(site.port, requests(n)), range(CLIENTS)))
        took_s = time.perf_counter() - began
    took = Answers(took_ms=[ms for each in done for ms in each])
    report.progress(f"accepted in {took_s:.1f} s; none is applied yet")
    cases = [case("no worker: webhooks accepted", len(onramps) / took_s, "/s")]
    return cases + _pages("no worker", seen), [_answered("no worker", took)]


def _drain(
    site: http.Site, wallets: list[Wallet], later: list[OnRampTransaction]
) -> tuple[list[Case], list[Ratio]]:
    waited = _WAITING.count()
    requests = [http.signed(onramp) for onramp in later]
    report.progress(f"{waited:,} wait; the worker begins")
    with visitor(site, wallets) as seen, worker(), ThreadPoolExecutor(CLIENTS) as pool:
        until, began = timezone.now(), time.perf_counter()
        coming = [pool.submit(_come, site.port, requests, n, began) for n in range(CLIENTS)]
        while _WAITING.filter(received_at__lte=until).exists():
            time.sleep(0.5)
        drained_s = time.perf_counter() - began
        report.progress(f"drained in {drained_s:.1f} s")
        took = Answers(took_ms=[ms for each in coming for ms in each.result()])
        while _WAITING.exists():
            time.sleep(0.5)
    cases = [
        case("webhooks that waited when the worker began", waited, ""),
        case("all of these were applied, from its start", drained_s, " s"),
        case("applied from its first batch on", _speed(until), "/s"),
    ]
    return cases + _pages("draining", seen), [_answered("draining", took)]


def _come(port: int, requests: list[bytes], number: int, began: float) -> list[float]:
    """Post one client's share, each when it is due; return how long after that it was answered."""
    took = []
    with Client(port) as client:
        for place in range(number, len(requests), CLIENTS):
            due = began + place / A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            status, body = client.ask(requests[place])
            took.append((time.perf_counter() - due) * 1000)
            if status != 202:
                raise RuntimeError(f"A webhook was answered {status}: {body!r}")
    return took


def _speed(until: datetime) -> float:
    """Return how many a second were applied; a batch is stamped with when it began."""
    old = BankEvent.objects.filter(received_at__lte=until, processed_at__isnull=False)
    old = old.filter(onramp__amount_minor=CREDIT_MINOR)
    ends = old.aggregate(first=Min("processed_at"), last=Max("processed_at"))
    applied = old.filter(processed_at__lt=ends["last"]).count()
    return float(applied / max((ends["last"] - ends["first"]).total_seconds(), 0.001))


def _pages(when: str, seen: Answers) -> list[Case]:
    return [
        case(f"{when}: pages and payments, half within", seen.percentile(50), " ms"),
        case(f"{when}: pages and payments, 99 % within", seen.percentile(99), " ms"),
    ]


def _answered(when: str, took: Answers) -> Ratio:
    name = f"{when}: 99 % of the webhooks were answered within, ms"
    return Ratio(name, took.percentile(99), MOST_MS, at_most=True)
