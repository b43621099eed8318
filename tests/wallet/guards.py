"""
Taking guards away, one by one: what proves that a test of a guard can fail.

A hostile act names the guards that refuse it. prove() shows that it is refused while any single one
of them stands, and goes through when none does. Acts run as a role that may write every row and
owns nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoDbBlocker

from tests.factories import make_wallet
from tests.wallet.forge import Act, pay, sql, write_hold
from tests.wallet.support import without_onramps
from wallet import services
from wallet.models import Wallet

JUDGED = ("transfers", "entries", "balances", "tracked", "holds", "leaves", "checkpoints")
JUDGES = tuple(f"wallet_judge_{rows}" for rows in JUDGED)


class Guard(Protocol):
    """Something in the database that refuses."""

    def remove(self) -> None:
        """Take it away until the transaction is rolled back."""


@dataclass(frozen=True)
class Trigger:
    """A trigger, by name."""

    name: str

    def remove(self) -> None:
        [[table]] = sql(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", self.name
        )
        sql(f"DROP TRIGGER {self.name} ON {table}")


@dataclass(frozen=True)
class EveryTruncateTrigger:
    """What stands in the way of TRUNCATE ... CASCADE, in whatever tables it reaches."""

    def remove(self) -> None:
        truncating = "tgtype & 32 <> 0 AND NOT tgisinternal"
        for name, table in sql(
            f"SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE {truncating}"
        ):
            sql(f"DROP TRIGGER {name} ON {table}")


@dataclass(frozen=True)
class Constraint:
    """A constraint or unique index, by name; % stands for what Django adds to names."""

    name: str

    def remove(self) -> None:
        found = sql(
            "SELECT conname, conrelid::regclass::text FROM pg_constraint WHERE conname LIKE %s",
            self.name,
        )
        for name, table in found:
            sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        if not found:
            sql(f"DROP INDEX {self.name}")


@dataclass(frozen=True)
class Domain:
    """What the type of a column can never hold."""

    name: str
    constraint: str

    def remove(self) -> None:
        sql(f"ALTER DOMAIN {self.name} DROP CONSTRAINT {self.constraint}")


@dataclass(frozen=True)
class NotNull:
    """A column that must say something."""

    table: str
    column: str

    def remove(self) -> None:
        sql(f"ALTER TABLE {self.table} ALTER COLUMN {self.column} DROP NOT NULL")


@dataclass(frozen=True)
class Clause:
    """One rule of a judge, by the text that begins it: of what is wrong, or of what must be so."""

    text: str

    def remove(self) -> None:
        [body] = [body for body in map(_definition, JUDGES) if self.text in body]
        start = body.index(self.text)
        end, harmless = _end_of_rule(body, start), str(body[:start].endswith(_NEEDED))
        sql(body[:start] + harmless + body[end:])


@dataclass(frozen=True)
class Path:
    """The search path that a judge brings with it."""

    judge: str

    def remove(self) -> None:
        sql(f"ALTER FUNCTION {self.judge} RESET search_path")


_NEEDED = ("AND ", "SELECT ", "), ")
_ENDS = (
    "\n      OR ",
    "\n    )",
    "\n        AND ",
    "\n        FROM",
    "\n      OFFSET",
    "\n        OFFSET",
)


def _definition(function: str) -> str:
    [[body]] = sql("SELECT pg_get_functiondef(%s::regproc)", function)
    return str(body)


def _end_of_rule(body: str, start: int) -> int:
    """A rule runs until the next one at its own depth, or the parenthesis around all of them."""
    depth = 0
    for at in range(start, len(body)):
        depth += {"(": 1, ")": -1}.get(body[at], 0)
        if depth < 0 or (depth == 0 and body.startswith(_ENDS, at)):
            return at
    raise AssertionError("the rule does not end")


def rules() -> list[str]:
    """Return the first line of every rule of the judges."""
    lines = chain.from_iterable(_definition(judge).splitlines() for judge in JUDGES)
    starts = ("    WHERE ", "      OR ", "        AND ")
    return [line.split(maxsplit=1)[1] for line in lines if line.startswith(starts)]


@dataclass(frozen=True)
class World:
    """
    Three people, a bank that brought their money in, and one payment between them.

    A fourth, dan, has 800 left and 200 on hold.
    """

    ana: Wallet
    ben: Wallet
    cem: Wallet
    dan: Wallet
    euros: Wallet
    bank: Wallet
    older_id: int
    hold_id: int


Attack = Callable[[World], None]

CASES: list[Any] = []


def refused_by(*guards: Guard) -> Callable[[Attack], Attack]:
    """Collect a hostile act, with every guard that refuses it."""

    def collect(attack: Attack) -> Attack:
        CASES.append(pytest.param(attack, guards, id=attack.__name__))
        return attack

    return collect


@contextmanager
def a_world(blocker: DjangoDbBlocker) -> Iterator[World]:
    """Make a world for the tests of a whole module: each of them leaves it as it was."""
    with blocker.unblock(), rolled_back():
        yield _make_world()


def _make_world() -> World:
    ana, ben = make_wallet(balance_minor=1_000), make_wallet(balance_minor=500)
    assert ben.owner_id
    older = pay(ana, ben, 100)
    older.write()
    dan = make_wallet(balance_minor=1_000)
    world = World(
        ana=ana,
        ben=ben,
        cem=make_wallet(),
        dan=dan,
        euros=services.open_wallet(owner_id=ben.owner_id, name="Euros", currency="EUR"),
        bank=services.settlement_wallet(bank="test-bank", currency="INR"),
        older_id=older.transfer[0]["id"],
        hold_id=write_hold(Act().hold(dan, 200)),
    )
    role = stranger()
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    without_onramps()
    sql(f"CREATE ROLE {role}")
    sql(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
    sql(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {role}")
    return world


def stranger() -> str:
    """Roles belong to the whole cluster, so each database of a parallel run names its own."""
    return f"stranger_in_{connection.settings_dict['NAME']}"


def attempt(attack: Attack, world: World) -> None:
    """Run the attack as the stranger, to its end, as COMMIT would judge it."""
    sql(f"SET LOCAL ROLE {stranger()}")
    attack(world)
    sql("SET CONSTRAINTS ALL IMMEDIATE")


@contextmanager
def without(guards: Sequence[Guard]) -> Iterator[None]:
    """Take guards away for a while; what happens meanwhile is rolled back."""
    with rolled_back():
        sql("SET CONSTRAINTS ALL IMMEDIATE")  # Tables with pending checks cannot be altered.
        for guard in guards:
            guard.remove()
        sql("SET CONSTRAINTS ALL DEFERRED")
        yield


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo, at the end, whatever was done."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def prove(attack: Attack, guards: Sequence[Guard], world: World) -> None:
    """Show that each of the guards refuses the attack by itself, and that nothing else does."""
    for guard in guards:
        others = [other for other in guards if other != guard]
        with without(others), pytest.raises(IntegrityError), transaction.atomic():
            attempt(attack, world)
    with without(guards):
        attempt(attack, world)
