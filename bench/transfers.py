"""
Sending, from 1 to 16 processes among 1,000 wallets: ours, the limit, and a plain ORM transfer.

The limit is pgbench running the whole act, with every guard, as one prepared statement.
"""

import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.db import connection
from django.utils import timezone

from bench import load, people, plain, report
from bench.report import Case, Ratio
from nexapay import devdb
from nexapay.kernel import ids
from wallet.models import Wallet
from wallet.services import send_money

PROCESSES = (1, 4, 8, 16)
WALLETS = 1_000
LIMIT = Path(__file__).with_name("limit.sql")


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure and report."""
    report.progress(f"Making {WALLETS} people ...")
    wallets = people.make_rich(WALLETS)
    accounts = plain.make(WALLETS)
    cases = [
        case
        for n in PROCESSES
        for case in (
            Case(f"the limit, {n} clients", partial(limit, wallets, n, seconds)),
            Case(f"send_money, {n} processes", measure(sender(wallets), n, seconds)),
            Case(f"plain ORM, {n} processes", measure(plain_sender(accounts), n, seconds)),
            Case(
                f"plain ORM without a transaction, {n} processes",
                measure(plain_sender(accounts, atomic=False), n, seconds),
            ),
        )
        if only in case.name
    ]
    report.alternate(cases, rounds)
    report.finish("transfers", cases, ratios(report.by_name(cases)))


def ratios(measured: dict[str, Case]) -> list[Ratio]:
    """Return what we want of what was measured."""
    found = []
    for n in PROCESSES:
        ours = measured.get(f"send_money, {n} processes")
        for name, goal in (
            ("the limit, {} clients", 0.5),
            ("plain ORM, {} processes", 3),
            ("plain ORM without a transaction, {} processes", 3),
        ):
            other = measured.get(name.format(n))
            if ours and other:
                found.append(Ratio.between(ours, other, goal if n == 8 else 0))
    return found


def measure(
    prepare: Callable[[int], Callable[[], object]], processes: int, seconds: float
) -> Callable[[], float]:
    """Return a measurement for a Case."""
    return lambda: load.rate(prepare, processes=processes, seconds=seconds)


def sender(wallets: list[Wallet]) -> Callable[[int], Callable[[], object]]:
    """Return what makes an act of ours: anybody pays anybody 0.01."""
    people = [(wallet.owner_id, wallet.pk) for wallet in wallets if wallet.owner_id]

    def prepare(number: int) -> Callable[[], object]:
        chosen = load.pairs(people)

        def act() -> object:
            payer, (_, target_id) = next(chosen)
            return send(*payer, target_id)

        return act

    return prepare


def send(actor_id: int, source_id: int, target_id: int) -> object:
    """Let a person pay 0.01."""
    return send_money(
        actor_id=actor_id,
        source_id=source_id,
        target_id=target_id,
        amount_minor=1,
        note="",
        idempotency_key=ids.new(),
        now=timezone.now(),
    )


def plain_sender(
    accounts: list[int], *, atomic: bool = True
) -> Callable[[int], Callable[[], object]]:
    """Return what makes an act of the baseline."""
    return lambda number: plain.sender(accounts, atomic=atomic)


def limit(wallets: list[Wallet], clients: int, seconds: float) -> float:
    """Return pgbench's transactions a second."""
    parameters = connection.get_connection_params()
    command = [
        *(
            str(devdb.programs() / "pgbench"),
            "-n",
            "-M",
            "prepared",
            "-f",
            str(LIMIT),
            "-c",
            str(clients),
        ),
        *("-j", str(min(clients, 2)), "-T", str(max(1, round(seconds)))),
        *("-D", f"first={wallets[0].pk}", "-D", f"wallets={len(wallets)}"),
        *("-h", parameters["host"], "-U", parameters["user"], parameters["dbname"]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    if "ERROR" in done.stderr:
        raise RuntimeError(done.stderr)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if not found:
        raise RuntimeError(done.stdout)
    return float(found[1])
