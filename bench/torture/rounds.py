"""Round after round: load, a fault, recovery, every doubt settled, and the verdict."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from random import Random

import httpx
from django.db import Error, connection

from bench.torture import disk, proof, records
from bench.torture.bank import Bank
from bench.torture.clients import (
    BANKS,
    POOR,
    POOR_MINOR,
    RICH_MINOR,
    Load,
    Person,
    Unready,
    at_once,
    habits,
    until,
)
from bench.torture.faults import FAULTS, World
from bench.torture.records import Act, Outcome, Records
from bench.torture.report import Report, Round
from bench.torture.site import Broken, Site
from onramp.simbank.models import Delivery
from wallet.models import Transfer

RECOVERY_LIMIT_S = 120.0
MOST_SHOWN = 20
_BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE usename = current_user AND state <> 'idle' AND pid <> pg_backend_pid()
"""


def schedule(seed: int, rounds: int, faults: list[str]) -> list[str]:
    """Return a fault for each round: each as often as the others, in an order of the seed's."""
    random = Random(seed)  # noqa: S311  # Not a secret: to be replayed.
    chosen: list[str] = []
    while len(chosen) < rounds:
        chosen += random.sample(faults, len(faults))
    return chosen[:rounds]


class Torture:
    """One site, its clients, and what they went through."""

    def __init__(self, folder: Path, report: Report, say: Callable[[str], None]) -> None:
        self.report = report
        self.say = say
        self.seconds = float(report.settings["seconds"])
        self.site = Site(folder)
        self.records = Records(folder / "clients.jsonl")
        self.people: list[Person] = []
        self.bank: Bank | None = None

    def open(self, people: int) -> None:
        """Start the site; let people join and bring money."""
        self.site.start()
        address = self.site.address
        self.bank = Bank(address, self.site.webhook_secret, self.records)
        handles = [f"client{number:02}" for number in range(people)]
        self.people = [Person(address, handle, self.records) for handle in handles]
        tasks = [partial(self._join, *pair) for pair in enumerate(self.people)]
        if not all(at_once(tasks)):
            raise Broken("somebody could not join")
        self._hold(self._judge(), "before the first round")

    def _join(self, number: int, person: Person) -> bool:
        person.sign_up()
        self._pay_in(person, POOR_MINOR if number < POOR else RICH_MINOR)
        return True

    def _pay_in(self, person: Person, least_minor: int = 0) -> None:
        assert self.bank is not None  # noqa: S101 - for the type checker
        self.bank.pay(person.ask_bank(BANKS[0], least_minor))

    def close(self) -> None:
        """Stop everything that was started."""
        for person in self.people:
            person.close()
        if self.bank is not None:
            self.bank.close()
        connection.close()
        self.site.close()
        self.records.close()

    def run(self, faults: list[str], least: int) -> None:
        """
        Go through the rounds, one fault each, with least sends acknowledged before each of them.

        :raises Broken: as soon as one of them does not hold.
        """
        for number, fault in enumerate(faults, 1):
            done = self._round(number, fault, least)
            self.report.rounds.append(done)
            if done.acked < least:
                raise Broken(f"only {done.acked} sends were acknowledged: that proves nothing")
            self.say(done.line(len(faults)))
        self._sum_up()

    def _round(self, number: int, fault: str, least: int) -> Round:
        started = time.monotonic()
        self.records.round = number
        self.records.sent.clear()
        with disk.small(self.site) if fault == "full_disk" else nullcontext():
            began, ended, back = self._suffer(number, fault, least)
            doubts, happened = self._settle()
            self._drain()
            self._hold(self._judge(), f"round {number}, {fault}")
        acts = [act for act in self.records.acts.values() if act.round == number]
        acked = [act for act in acts if act.state is Outcome.ACKED]
        sends = sum(act.kind == "send" for act in acked)
        return Round(
            number=number,
            fault=fault,
            acked=sends,
            settled=doubts,
            happened=happened,
            credits=len(acked) - sends,
            from_end_s=back - ended,
            from_start_s=back - began,
            took_s=time.monotonic() - started,
        )

    def _suffer(self, number: int, fault: str, least: int) -> tuple[float, float, float]:
        """Let the fault happen under load; return when it began, ended, and was recovered from."""
        with self._load(number):
            time.sleep(self.seconds / 2)
            if not until(lambda: len(self.records.sent) >= least, RECOVERY_LIMIT_S):
                raise Broken(f"not even {least} sends were acknowledged: nothing can be proved")
            world = self._world(number)
            began = time.monotonic()
            FAULTS[fault](world)
            ended = world.ended_at or time.monotonic()
            back = self._wait_for_a_send(ended)
            time.sleep(self.seconds / 2)
        return began, ended, back

    def _world(self, number: int) -> World:
        assert self.bank is not None  # noqa: S101 - for the type checker
        random = Random(f"{self.report.seed} {number}")  # noqa: S311  # To be replayed.
        return World(self.site, self.bank, self.people, self.records, random)

    def _wait_for_a_send(self, after: float) -> float:
        """Return when the first send that was asked for after this moment was acknowledged."""
        first = partial(self.records.first_sent, after)
        if not until(lambda: first() is not None, RECOVERY_LIMIT_S):
            raise Broken(f"nobody could send again within {RECOVERY_LIMIT_S:.0f} s")
        return first() or 0.0

    @contextmanager
    def _load(self, number: int) -> Iterator[None]:
        connection.close()  # Ours must not be the one that a fault takes.
        acts = []
        for person in self.people:
            random = Random(f"{self.report.seed} {number} {person.handle}")  # noqa: S311
            others = [other.handle for other in self.people if other is not person]
            acts.append(habits(person, others, random, self._pay_in))
        load = Load(acts)
        try:
            yield
        finally:
            load.stop()

    def _settle(self) -> tuple[int, int]:
        """
        Retry, with the same key, all that nobody knows the outcome of.

        Return how many acts that were, and how many of them were payments that had happened.
        """
        if not until(self._is_quiet, RECOVERY_LIMIT_S):
            raise Broken("the site does not come to rest")
        doubts = [act for act in self.records.in_doubt() if act.due]
        notes = [act.note for act in doubts if act.note]
        happened = Transfer.objects.filter(note__in=notes).count()
        for act in doubts:
            if not until(partial(self._retry, act), RECOVERY_LIMIT_S):
                raise Broken(f"{act.kind} {act.key} cannot be settled")
        return len(doubts), happened

    def _retry(self, act: Act) -> bool:
        """Ask again, over HTTP; tell whether there was an answer."""
        assert self.bank is not None  # noqa: S101 - for the type checker
        before = len(act.outcomes)
        with suppress(httpx.HTTPError, Unready):
            if self.bank.knows(act):
                self.bank.pay(act)
            else:
                self._asker(act).retry(act)
        newest = act.outcomes[-1] if len(act.outcomes) > before else Outcome.UNKNOWN
        if newest is not Outcome.UNKNOWN:
            self.records.settle(act, newest)
        return newest is not Outcome.UNKNOWN

    def _asker(self, act: Act) -> Person:
        handle = act.payer if act.kind == "send" else act.payee
        return next(person for person in self.people if person.handle == handle)

    def _is_quiet(self) -> bool:
        """Whether the site serves, and nothing that was asked for before is still under way."""
        with suppress(Error):
            return self.site.is_ready() and self._busy() == 0
        connection.close()
        return False

    def _busy(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute(_BUSY)
            return int(cursor.fetchone()[0])

    def _drain(self) -> None:
        """Wait until the bank has delivered every webhook it owes."""
        waiting = Delivery.objects.filter(status=Delivery.Status.WAITING)
        if not until(lambda: not waiting.exists(), RECOVERY_LIMIT_S):
            raise Broken("the bank does not get rid of its webhooks")

    def _judge(self) -> list[str]:
        self.records.sync()
        found = proof.verdict(self.records.acts.values(), proof.read_books())
        connection.close()
        return found

    def _hold(self, found: list[str], where: str) -> None:
        self.report.findings = found
        if found:
            raise Broken(f"{where}: {len(found)} findings\n" + "\n".join(found[:MOST_SHOWN]))

    def _sum_up(self) -> None:
        """Judge once more, from the clients' log as it is on the disk, and count."""
        acts = records.read(self.site.log.with_name("clients.jsonl")).acts.values()
        books = proof.read_books()
        self._hold(proof.verdict(acts, books), "from the clients' log")
        self.report.sums = {
            "sends_acknowledged_and_there_once": sum(
                act.kind == "send" and act.state is Outcome.ACKED for act in acts
            ),
            "outcomes_unknown_then_settled": sum(done.settled for done in self.report.rounds),
            "payments_among_them_that_had_happened": sum(
                done.happened for done in self.report.rounds
            ),
            "credits_come_once": sum(books.credited.values()),
            "minor_units_held_by_people": sum(books.balances.values()),
            "minor_units_brought_in_by_banks": -books.settlement_minor,
        }
