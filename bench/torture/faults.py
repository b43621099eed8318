"""The faults, one function each. They run while everybody is at it, and return when it is over."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import httpx
import psutil
import psycopg

from bench.torture import disk
from bench.torture.bank import Bank, Message
from bench.torture.clients import BANKS, Person, Unready, at_once, until
from bench.torture.records import Act, Records
from bench.torture.site import Broken, Site
from nexapay import devdb

FREEZE = Path(__file__).with_name("freeze.py")
COPIES = 100
STORM = 12  # Payments each way.
_PATIENCE_S = 60.0


@dataclass
class World:
    """What faults work on."""

    site: Site
    bank: Bank
    people: list[Person]
    records: Records
    random: Random
    ended_at: float | None = None  # When the fault was over, if that was before it returned.

    def somebody(self) -> Person:
        """Return any of the people."""
        return self.random.choice(self.people)

    def end(self) -> None:
        """Note that the fault is over: what follows is recovery."""
        self.ended_at = time.monotonic()

    def credit(self, *, due: bool = True) -> Act:
        """Return a credit that somebody asked their bank for, through all that may be going on."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            with suppress(Unready, httpx.HTTPError):
                return self.somebody().ask_bank(self.random.choice(BANKS), due=due)
        raise Broken("no money could be asked for")


Fault = Callable[[World], None]
FAULTS: dict[str, Fault] = {}


def fault(act: Fault) -> Fault:
    """Put a fault on the list."""
    FAULTS[act.__name__.removesuffix("_")] = act
    return act


def _kill(find: Callable[[], psutil.Process]) -> None:
    """Kill with SIGKILL what find() finds; look again if it ended in between by itself."""
    killed: list[int] = []

    def once() -> bool:
        with suppress(psutil.Error, OSError, Broken, IndexError):
            process = find()
            process.kill()
            killed.append(process.pid)
        return bool(killed)

    if not until(once, _PATIENCE_S):
        raise Broken("there is nothing to kill")


# Killing


@fault
def worker(world: World) -> None:
    """Kill a gunicorn worker."""
    _kill(lambda: world.random.choice(world.site.web_workers()))


@fault
def app(world: World) -> None:
    """Kill the first process of the whole application; start it again on the same data."""
    world.site.kill()
    world.end()
    world.site.start()


@fault
def machine(world: World) -> None:
    """Kill every process at once, PostgreSQL's too; start again on the same data."""
    world.site.kill_all()
    world.end()
    world.site.start()


@fault
def backend(world: World) -> None:
    """Kill a PostgreSQL process that serves a connection: PostgreSQL then ends all others."""
    _kill(lambda: world.random.choice(world.site.backends()))


@fault
def postmaster(world: World) -> None:
    """Kill PostgreSQL's first process."""
    _kill(world.site.postmaster)


@fault
def keeper(world: World) -> None:
    """Kill the process that keeps PostgreSQL running."""
    _kill(world.site.keeper)


@fault
def bank(world: World) -> None:
    """Kill the bank, with webhooks on their way."""
    _kill(world.site.bank)


# Starving


@fault
def frozen(world: World) -> None:
    """Stop PostgreSQL with SIGSTOP for seconds, longer than some clients wait."""
    seconds = world.random.uniform(1.5, 4.5)
    pid = world.site.postmaster().pid
    command = [sys.executable, "-P", str(FREEZE), str(pid), str(seconds)]
    freezer = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        freezer.wait(_PATIENCE_S)
    finally:
        assert freezer.stdin is not None  # noqa: S101 - for the type checker
        freezer.stdin.close()
        freezer.wait()


@fault
def connections(world: World) -> None:
    """Take every connection PostgreSQL has, then those of the site as well."""
    held: list[psycopg.Connection] = []
    try:
        _take_all(world, held, 0.5)
        ours = {connection.info.backend_pid for connection in held}
        for process in world.site.backends():
            if process.pid not in ours:
                with suppress(psutil.Error):
                    process.terminate()
        _take_all(world, held, world.random.uniform(1, 2))
    finally:
        for connection in held:
            connection.close()


def _take_all(world: World, held: list[psycopg.Connection], seconds: float) -> None:
    address = devdb.address(world.site.data, role="nexapay_app")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            held.append(psycopg.connect(address, connect_timeout=2))
        except psycopg.OperationalError:
            time.sleep(0.01)


@fault
def full_disk(world: World) -> None:
    """Leave no byte free under the data directory for seconds."""
    disk.fill(world.site.data, world.random.uniform(3, 6))


# Lying and repeating


@fault
def copies(world: World) -> None:
    """Deliver 100 copies of one webhook at once."""
    credit = world.credit()
    world.bank.deliver_at_once([(credit, world.bank.payment(credit))] * COPIES)


@fault
def copies_and_kill(world: World) -> None:
    """Deliver 100 copies of one webhook at once, and kill a PostgreSQL process among them."""
    credit = world.credit()
    tasks = [partial(world.bank.deliver, credit, world.bank.payment(credit))] * COPIES
    at_once([*tasks, partial(_kill_backend_after, world, world.random.uniform(0.05, 0.5))])


def _kill_backend_after(world: World, seconds: float) -> int:
    time.sleep(seconds)
    backend(world)
    return 0


@fault
def reordered(world: World) -> None:
    """Deliver yes and no of the same payments, in any order, at once, and all of it again."""
    deliveries = []
    for credit in [world.credit() for _ in range(8)]:
        yes, no = world.bank.payment(credit), world.bank.message(credit, "failure")
        deliveries += [(credit, yes), (credit, yes), (credit, no)]
    for _ in range(2):
        world.random.shuffle(deliveries)
        world.bank.deliver_at_once(deliveries)


@fault
def late(world: World) -> None:
    """Deliver too late, then in time; and a yes after a no."""
    credit = world.credit(due=False)
    _refuse(world, [(credit, message) for message in world.bank.untimely(credit)])
    world.records.make_due(credit)
    world.bank.deliver_at_once([(credit, world.bank.payment(credit))] * 2)
    failed = world.credit(due=False)
    no = world.bank.message(failed, "failure")
    if until(lambda: world.bank.deliver_at_once([(failed, no)]) == [200], 20):
        _refuse(world, [(failed, world.bank.payment(failed))])


@fault
def forged(world: World) -> None:
    """Deliver 100 webhooks that the bank did not sign, or not so, or not now."""
    lies = []
    for credit in [world.credit(due=False) for _ in range(5)]:
        lies += [(credit, message) for message in world.bank.forgeries(credit)] * 5
    _refuse(world, lies)


def _refuse(world: World, lies: list[tuple[Act, Message]]) -> None:
    """Deliver what must not be believed, and see that it is not."""
    if 200 in world.bank.deliver_at_once(lies):
        raise Broken("a webhook was believed that must not be")


@fault
def storm(world: World) -> None:
    """Two people pay each other, many times at once, each payment confirmed twice."""
    one, other = world.random.sample(world.people, 2)
    pairs = [(one, other), (other, one)] * STORM
    ready = at_once([partial(_ready, *pair, world.random.randint(1, 500)) for pair in pairs])
    presses = [press for press in ready if press] * 2
    world.random.shuffle(presses)
    at_once(presses)


def _ready(payer: Person, payee: Person, amount_minor: int) -> Callable[[], None] | None:
    """Bring a payment to its button, and return what presses it."""
    with suppress(Unready):
        return partial(payer.confirm, payer.review(payee.handle, amount_minor))
    return None
