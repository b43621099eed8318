"""
One wallet that everybody pays, and a bank that pays everybody at once.

The bank's side keeps no balance row, so credits of different people do not wait for one another.
The merchant's wallet has one, and its payments queue there: that is what the figure shows.
"""

import random
from collections.abc import Callable

from django.utils import timezone

from bench import load, people, report
from bench.report import Case, Ratio
from bench.transfers import send, sender
from onramp.models import OnRampTransaction
from onramp.services import Delivery, record_bank_events
from wallet.models import Wallet

PROCESSES = 8
# A bank's events come in through gunicorn's workers, and each takes those that wait together.
WORKERS, AT_ONCE = 2, 16
WALLETS = 1_000
MOST_A_SECOND = 15_000  # How many on-ramps are asked for beforehand, for each second.


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure and report."""
    report.progress(f"Making {WALLETS} people ...")
    wallets = people.make_rich(WALLETS)
    cases = [
        Case(f"sends among {WALLETS} people", lambda: rate(sender(wallets), seconds)),
        Case("sends to one merchant", lambda: rate(to_one(wallets), seconds)),
        Case(f"credits from the bank, {AT_ONCE} at once", lambda: credits(wallets, seconds)),
    ]
    report.alternate([case for case in cases if only in case.name], rounds)
    among, one, bank = cases
    ratios = []
    if not only:
        ratios = [
            Ratio.between(bank, among, 0.8, name="credits to sends"),
            Ratio.between(one, among, name="one merchant to sends"),
        ]
    report.finish("hot", [case for case in cases if case.figures], ratios)


def rate(prepare: Callable[[int], Callable[[], object]], seconds: float) -> float:
    """Measure with the processes of this bench."""
    return load.rate(prepare, processes=PROCESSES, seconds=seconds)


def to_one(wallets: list[Wallet]) -> Callable[[int], Callable[[], object]]:
    """Return what makes the act: anybody pays the first wallet."""
    merchant, *others = wallets
    payers = [(wallet.owner_id, wallet.pk) for wallet in others if wallet.owner_id]

    def act() -> object:
        return send(*random.choice(payers), merchant.pk)  # noqa: S311

    return lambda number: act


def credits(wallets: list[Wallet], seconds: float) -> float:
    """Ask for enough on-ramps, and let the bank confirm them, each worker's share at once."""
    report.progress("Asking the bank ...")
    share = AT_ONCE // WORKERS
    enough = int(MOST_A_SECOND * seconds) + AT_ONCE * load.WARM_UP
    onramps = people.ask_many(wallets, enough, timezone.now())
    batches = load.rate(
        lambda number: confirm(onramps[number::WORKERS], share), processes=WORKERS, seconds=seconds
    )
    return batches * share


def confirm(onramps: list[OnRampTransaction], share: int) -> Callable[[], object]:
    """Return the act: the next on-ramps' success, judged and credited."""
    waiting = load.plenty(batched(people.say(onramps), share))

    def act() -> object:
        return record_bank_events(bank="simbank", deliveries=next(waiting), now=timezone.now())

    return act


def batched(deliveries: list[Delivery], size: int) -> list[list[Delivery]]:
    """Return them in batches, without a rest."""
    return [deliveries[first : first + size] for first in range(0, len(deliveries) - size, size)]
