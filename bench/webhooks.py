"""
A bank's word, many times: signed webhooks over HTTP, and batches of verified events.

The batches are what a queue's worker drains: every event is stored, judged and credited in one
durable transaction of up to 1,000, by the same rules as one alone.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from django.utils import timezone

from bench import http, load, pages, people, report
from bench.report import Case, Ratio
from onramp.services import MAX_BATCH, Delivery, record_bank_event, record_bank_events
from wallet.models import Wallet

PROCESSES = 2
WALLETS = 1_000
BATCHES = 4  # For each process and round.
MOST_A_SECOND = 12_000  # How many on-ramps are asked for beforehand, for each second.


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure and report."""
    report.progress(f"Making {WALLETS} people ...")
    wallets = people.make(WALLETS)
    queue = http.gunicorn("-e", "BANK_WEBHOOK_MODE=queue")
    with http.gunicorn() as site, queue as queued, http.sync() as sync:
        cases = [
            *pages.bare_views(site, sync, 8, seconds, unit=" clients"),
            *pages.bare_views(site, sync, 32, seconds, unit=" clients"),
            Case("/healthz, 8 clients", lambda: healthz(site, seconds)),
            Case("webhooks over HTTP, 8 clients", lambda: over_http(site, wallets, 8, seconds)),
            Case("webhooks over HTTP, 32 clients", lambda: over_http(site, wallets, 32, seconds)),
            Case(
                "webhooks into the queue, 8 clients", lambda: over_http(queued, wallets, 8, seconds)
            ),
            Case("events one by one, in 2 processes", lambda: one_by_one(wallets, seconds)),
            Case("events in batches, in 2 processes", lambda: in_batches(wallets, MAX_BATCH)),
            Case("events in batches of 100", lambda: in_batches(wallets, 100)),
        ]
        report.alternate([case for case in cases if only in case.name], rounds)
    measured = report.by_name(cases)
    report.finish("webhooks", list(measured.values()), ratios(measured))


def ratios(measured: dict[str, Case]) -> list[Ratio]:
    """Return what we want of what was measured."""
    wanted = [
        *(
            (f"webhooks over HTTP, {clients} clients", f"{view}, {clients} clients", 0.25)
            for clients in (8, 32)
            for view in pages.BARE
        ),
        ("webhooks into the queue, 8 clients", "a bare view, 8 clients", 0),
        ("/healthz, 8 clients", "a bare view, 8 clients", 0),
        ("events in batches, in 2 processes", "events one by one, in 2 processes", 0),
    ]
    return [
        Ratio.between(measured[name], measured[other], goal)
        for name, other, goal in wanted
        if name in measured and other in measured
    ]


def healthz(site: http.Site, seconds: float) -> float:
    """Ask a view of ours that does nothing: what stands before every view."""
    return http.rate(site.port, http.again(http.get("/healthz")), 8, seconds)


def over_http(site: http.Site, wallets: list[Wallet], clients: int, seconds: float) -> float:
    """Ask for enough on-ramps, and post a signed success of each."""
    onramps = people.ask_many(wallets, int(MOST_A_SECOND * seconds), timezone.now())
    signed = http.webhooks(onramps, clients=clients)
    return http.rate(site.port, lambda number: load.plenty(signed(number)), clients, seconds)


def one_by_one(wallets: list[Wallet], seconds: float) -> float:
    """Record one event a transaction."""
    enough = int(MOST_A_SECOND * seconds) + PROCESSES * load.WARM_UP
    onramps = people.ask_many(wallets, enough, timezone.now())

    def prepare(number: int) -> Callable[[], object]:
        waiting = load.plenty(people.say(onramps[number::PROCESSES]))
        return lambda: record_bank_event(
            bank="simbank", **next(waiting)._asdict(), now=timezone.now()
        )

    return load.rate(prepare, processes=PROCESSES, seconds=seconds)


def in_batches(wallets: list[Wallet], size: int) -> float:
    """Record a fixed number of events in batches, from each process; return events a second."""
    number = PROCESSES * BATCHES * MAX_BATCH + PROCESSES * size
    onramps = people.ask_many(wallets, number, timezone.now())

    def prepare(place: int) -> Callable[[], Iterator[int]]:
        return lambda: drain(people.say(onramps[place::PROCESSES]), size)

    return load.total(prepare, processes=PROCESSES)


def drain(deliveries: list[Delivery], size: int) -> Iterator[int]:
    """Record them batch by batch, yielding after each how many events were credited."""
    waiting = iter(deliveries)
    while batch := list(islice(waiting, size)):
        answers = record_bank_events(bank="simbank", deliveries=batch, now=timezone.now())
        if any(answer.body != {"status": "success"} for answer in answers):
            raise RuntimeError("An event was not credited.")
        yield len(batch)
