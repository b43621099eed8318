"""Entries that do not follow the one before them."""

from tests.wallet.forge import ZEROS, Act, Row, pay
from tests.wallet.guards import World, refused_by
from tests.wallet.rules import (
    ADDS_UP,
    AVAILABLE,
    AVAILABLE_BEFORE,
    GAP,
    HASH,
    HEAD,
    HELD,
    LOCKED_BEFORE,
    NEWEST,
    PREV,
    VERSION,
    VERSION_ONCE,
)


def spoilt_entry(world: World, entry: Row, balance: Row | None = None) -> Act:
    """A payment of 100 from ana to ben; the entry and the balance of ana are changed."""
    act = pay(world.ana, world.ben, 100)
    act.entry[0] |= entry
    act.balance[0] |= balance or {}
    act.seal()
    return act


@refused_by(GAP)
def a_version_gap(world: World) -> None:
    """As if it were a first entry, so that nothing but its version is wrong."""
    act = pay(world.ben, world.ana, 100)
    act.entry[1] |= {
        "version": 9,
        "available_before_minor": 0,
        "available_after_minor": 100,
        "prev_hash": ZEROS,
    }
    act.balance[1] |= {"version": 9, "available_minor": 100}
    act.seal()
    act.write()


@refused_by(VERSION_ONCE, VERSION, AVAILABLE, HEAD, NEWEST)
def a_first_version_that_is_there_already(world: World) -> None:
    act = pay(world.ben, world.ana, 100)
    first = {"available_before_minor": 0, "available_after_minor": 100, "prev_hash": ZEROS}
    act.entry[1] |= {"version": 1} | first
    act.balance[1] |= {"version": 1, "available_minor": 100}
    act.seal()
    act.write()


@refused_by(VERSION_ONCE)
def the_same_next_version_twice_in_two_parts_of_a_statement(world: World) -> None:
    """The balance follows a later one, which follows one of the two."""
    first = pay(world.bank, world.cem, 5).pay(world.bank, world.cem, 7)
    second = pay(world.bank, world.cem, 5)
    second.balance.clear()
    first.write_with(second)


@refused_by(VERSION_ONCE)
def an_old_version_once_more_that_leaves_the_balance_alone(world: World) -> None:
    act = pay(world.ben, world.ana, 100)
    first = {"available_before_minor": 0, "available_after_minor": 100, "prev_hash": ZEROS}
    act.entry[1] |= {"version": 1} | first
    act.balance.pop()
    act.seal()
    act.write()


@refused_by(ADDS_UP, GAP)
def a_version_below_the_first(world: World) -> None:
    act = pay(world.bank, world.cem, 100)
    act.entry[1]["version"] = act.balance[0]["version"] = 0
    act.seal()
    act.write()


@refused_by(AVAILABLE_BEFORE)
def an_entry_that_starts_with_more_than_the_last_one_left(world: World) -> None:
    more = {"available_before_minor": 1_000_000, "available_after_minor": 999_900}
    spoilt_entry(world, more, {"available_minor": 999_900}).write()


@refused_by(AVAILABLE_BEFORE)
def a_first_entry_that_starts_with_money(world: World) -> None:
    act = pay(world.ana, world.cem, 100)
    act.entry[1] |= {"available_before_minor": 900, "available_after_minor": 1_000}
    act.balance[1]["available_minor"] = 1_000
    act.seal()
    act.write()


@refused_by(LOCKED_BEFORE, HELD)
def an_entry_that_starts_with_more_locked_than_the_last_one_left(world: World) -> None:
    more = {"locked_before_minor": 7, "locked_after_minor": 7}
    spoilt_entry(world, more, {"locked_minor": 7}).write()


@refused_by(ADDS_UP)
def an_entry_that_ends_with_more_than_it_moved(world: World) -> None:
    spoilt_entry(world, {"available_after_minor": 10**6}, {"available_minor": 10**6}).write()


@refused_by(ADDS_UP)
def an_entry_that_does_not_say_where_it_starts(world: World) -> None:
    """As if from nothing, as a first entry does: so nothing but its silence is wrong."""
    act = pay(world.ana, world.cem, 100)
    del act.entry[1]["available_before_minor"]
    act.write()


@refused_by(ADDS_UP, HELD)
def an_entry_that_ends_with_more_locked_than_it_moved(world: World) -> None:
    spoilt_entry(world, {"locked_after_minor": 7}, {"locked_minor": 7}).write()


@refused_by(PREV)
def a_wrong_prev_hash(world: World) -> None:
    spoilt_entry(world, {"prev_hash": "\\x" + "ab" * 32}).write()


@refused_by(PREV)
def a_first_entry_that_names_one_before_it(world: World) -> None:
    act = pay(world.ana, world.cem, 100)
    act.entry[1]["prev_hash"] = act.entry[0]["prev_hash"]
    act.seal()
    act.write()


@refused_by(PREV)
def a_chain_in_a_wallet_that_has_none(world: World) -> None:
    act = pay(world.bank, world.cem, 100)
    act.entry[0]["prev_hash"] = act.entry[1]["hash"]
    act.seal()
    act.write()


@refused_by(HASH)
def a_wrong_hash(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.entry[0]["hash"] = act.balance[0]["head_hash"] = "\\x" + "ab" * 32
    act.write()


@refused_by(HASH)
def a_wrong_hash_hidden_behind_an_honest_payment_in_the_same_statement(world: World) -> None:
    honest, forged = pay(world.ana, world.ben, 100), pay(world.bank, world.cem, 5)
    forged.entry[0]["hash"] = "\\x" + "ab" * 32
    honest.write_with(forged)


@refused_by(HASH)
def a_wrong_hash_before_an_honest_payment_in_the_same_statement(world: World) -> None:
    honest, forged = pay(world.ana, world.ben, 100), pay(world.bank, world.cem, 5)
    forged.entry[0]["hash"] = "\\x" + "ab" * 32
    forged.write_with(honest)
