"""A past: sends among wallets, posted in batches through the journal."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from random import Random

from django.db import connection, transaction

from bench import report
from nexapay.kernel import ids
from wallet import journal
from wallet.journal import Movement
from wallet.models import Transfer, Wallet

_BATCH = 1_000
PROCESSES = 2


def make(wallets: Sequence[Wallet], number: int) -> None:
    """
    Post that many sends of 0.01 and let the planner know.

    Anybody pays anybody of the same half of the wallets, so that two processes work side by side.
    """
    connection.close()
    halves = [list(wallets[place::PROCESSES]) for place in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("fork")) as pool:
        list(pool.map(_make, halves, repeat(number // PROCESSES)))
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("ANALYZE")
        cursor.execute("RESET statement_timeout")


def _make(wallets: list[Wallet], number: int) -> None:
    random = Random(number)  # noqa: S311
    for first in range(0, number, _BATCH):
        _post([random.sample(wallets, 2) for _ in range(min(_BATCH, number - first))])
        if first % (number // 10 // _BATCH * _BATCH or _BATCH) == 0:
            report.progress(f"making history: {first:,} of {number:,} in each process")
    connection.close()


def _post(pairs: Sequence[Sequence[Wallet]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        balances = journal.lock(wallet.pk for pair in pairs for wallet in pair)
        cursor.execute("SET LOCAL statement_timeout = '60s'")
        cursor.execute("SELECT clock_timestamp()")
        at = cursor.fetchone()[0]
        movements = [
            Movement(
                kind=Transfer.Kind.SEND,
                source_id=source.pk,
                target_id=target.pk,
                amount_minor=1,
                currency=source.currency,
                actor_id=source.owner_id,
                idempotency_key=ids.new(),
                note="",
                happened_at=at,
            )
            for source, target in pairs
        ]
        journal.post(movements, balances, posted_at=at)
