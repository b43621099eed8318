"""Balances and entries that tell two stories."""

from collections.abc import Sequence

from tests.wallet.attacks.entries import spoilt_entry
from tests.wallet.forge import pay, sql
from tests.wallet.guards import Attack, Guard, NotNull, World, refused_by
from tests.wallet.rules import (
    AVAILABLE,
    HEAD,
    HELD,
    LOCKED,
    LOCKED_NOT_NEGATIVE,
    LOCKS,
    NEWEST,
    NO_BALANCE,
    NO_ENTRY,
    NOT_NEGATIVE,
    UNTRACKED,
    VERSION,
    VERSIONED,
)


@refused_by(NO_BALANCE)
def entries_without_their_balances(world: World) -> None:
    pay(world.ana, world.ben, 100).write("transfer", "entry")


@refused_by(NO_BALANCE)
def entries_whose_balances_follow_in_a_later_statement(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.write("transfer", "entry")
    act.write("balance")


@refused_by(NO_ENTRY)
def balances_whose_entries_follow_in_a_later_statement(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.write("balance")
    act.write("transfer", "entry")


@refused_by(VERSIONED)
def an_entry_without_a_version_in_a_wallet_that_numbers_them(world: World) -> None:
    act = pay(world.ana, world.cem, 100)
    numbers = ("version", "available_before_minor", "available_after_minor")
    for name in (*numbers, "locked_before_minor", "locked_after_minor"):
        del act.entry[1][name]
    act.balance.pop()
    act.seal()
    act.write()


@refused_by(VERSIONED, NO_BALANCE)
def an_entry_with_a_version_in_a_wallet_that_numbers_none(world: World) -> None:
    act = pay(world.ana, world.bank, 100, kind="correction")
    act.entry[1] |= {
        "version": 1,
        "available_before_minor": 0,
        "available_after_minor": 100,
        "locked_before_minor": 0,
        "locked_after_minor": 0,
    }
    act.seal()
    act.write()


@refused_by(NOT_NEGATIVE)
def paying_more_than_there_is(world: World) -> None:
    pay(world.ana, world.ben, 5_000).write()


@refused_by(LOCKED_NOT_NEGATIVE, LOCKS, HELD)
def paying_from_locked_money_that_is_not_there(world: World) -> None:
    locked = {"delta_locked_minor": -50, "locked_after_minor": -50}
    available = {"delta_available_minor": -50, "available_after_minor": 850}
    after = {"available_minor": 850, "locked_minor": -50}
    spoilt_entry(world, locked | available, after).write()


# Balances by themselves


def set_balance(title: str, assignments: str) -> Attack:
    def attack(world: World) -> None:
        sql(f"UPDATE wallet_balance SET {assignments} WHERE wallet_id = %s", world.ana.pk)

    attack.__name__ = f"a_balance_changed_{title}"
    return attack


CHANGES: list[tuple[str, str, Sequence[Guard]]] = [
    ("available", "available_minor = available_minor + 1", [AVAILABLE]),
    ("available_to_nothing", "available_minor = 0", [AVAILABLE]),
    ("available_below_zero", "available_minor = -1", [AVAILABLE, NOT_NEGATIVE]),
    ("locked", "locked_minor = 1", [LOCKED, HELD]),
    ("locked_below_zero", "locked_minor = -1", [LOCKED, LOCKED_NOT_NEGATIVE, HELD]),
    ("head_hash", "head_hash = sha256('x')", [HEAD]),
    ("head_hash_to_null", "head_hash = NULL", [NotNull("wallet_balance", "head_hash"), HEAD]),
    (
        "available_to_null",
        "available_minor = NULL",
        [NotNull("wallet_balance", "available_minor"), AVAILABLE],
    ),
    ("locked_to_null", "locked_minor = NULL", [NotNull("wallet_balance", "locked_minor"), LOCKED]),
    ("happened_at", "happened_at = now()", [NEWEST]),
    ("happened_at_to_null", "happened_at = NULL", [NEWEST]),
    ("version_on", "version = version + 5", [NO_ENTRY]),
    (
        "version_back",
        "(available_minor, version, head_hash, happened_at) = (SELECT available_after_minor,"
        " version, hash, happened_at FROM wallet_entry e"
        " WHERE e.wallet_id = wallet_balance.wallet_id AND e.version = 1)",
        [VERSION, AVAILABLE, HEAD, NEWEST],
    ),
    (
        "everything_to_the_beginning",
        "available_minor = 0, version = 0, happened_at = NULL,"
        " head_hash = decode(repeat('00', 32), 'hex')",
        [VERSION, AVAILABLE, HEAD],
    ),
]
for title, assignments, guards in CHANGES:
    refused_by(*guards)(set_balance(title, assignments))


@refused_by(NO_ENTRY)
def an_empty_balance_of_a_later_version(world: World) -> None:
    sql("UPDATE wallet_balance SET version = 5 WHERE wallet_id = %s", world.cem.pk)


@refused_by(UNTRACKED)
def a_balance_for_a_wallet_that_tracks_none(world: World) -> None:
    add_balance(world.bank.pk, 0)


@refused_by(UNTRACKED)
def a_balance_before_its_wallet(world: World) -> None:
    """Its foreign key waits until COMMIT, so only the judge asks for it now."""
    add_balance(10**9, 0)
    add_shop(world, 10**9)


@refused_by(NO_ENTRY)
def a_balance_that_is_born_with_money(world: World) -> None:
    add_shop(world, 10**9)
    add_balance(10**9, 500)


def add_balance(wallet_id: int, available_minor: int) -> None:
    sql(
        "INSERT INTO wallet_balance (wallet_id, available_minor, locked_minor, version, head_hash)"
        " VALUES (%s, %s, 0, 0, decode(repeat('00', 32), 'hex'))",
        wallet_id,
        available_minor,
    )


def add_shop(world: World, wallet_id: int) -> None:
    sql(
        "INSERT INTO wallet_wallet (id, public_id, owner_id, kind, name, currency, status,"
        " tracks_balance, created_at)"
        " VALUES (%s, gen_random_uuid(), %s, 'merchant', 'Shop', 'INR', 'active', true, now())",
        wallet_id,
        world.ana.owner_id,
    )
