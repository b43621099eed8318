"""Entries that do not do what their kind does, and kinds between the wrong wallets."""

from tests.wallet.forge import Act, pay
from tests.wallet.guards import (
    World,
    refused_by,
)
from tests.wallet.rules import (
    CORRECTS,
    FROM_BANK,
    HELD,
    LOCKS,
    MOVES,
    OF_BOTH,
    ONE_WALLET,
    TO_BANK,
)


def spoil(act: Act, number: int, available_minor: int, locked_minor: int) -> Act:
    """Let one entry move something else, and the balances follow."""
    entry = act.entry[number]
    entry |= {"delta_available_minor": available_minor, "delta_locked_minor": locked_minor}
    for balance in act.balance:
        if balance["wallet_id"] == entry["wallet_id"]:
            for part, delta in (("available", available_minor), ("locked", locked_minor)):
                after = entry[f"{part}_before_minor"] + delta
                entry[f"{part}_after_minor"] = balance[f"{part}_minor"] = after
    act.seal()
    return act


@refused_by(LOCKS)
def a_payout_of_money_that_was_not_set_aside(world: World) -> None:
    spoil(Act().pay_out(world.dan, world.bank, 50), 0, -50, 0).write()


@refused_by(LOCKS)
def a_payout_that_a_bank_sets_aside(world: World) -> None:
    spoil(Act().pay(world.ana, world.bank, 50, kind="correction"), 1, 0, 50).write()


@refused_by(LOCKS)
def a_hold_that_sets_nothing_aside(world: World) -> None:
    spoil(Act().hold(world.dan, 50), 0, 0, 0).write()


@refused_by(LOCKS, HELD)
def a_hold_that_releases(world: World) -> None:
    spoil(Act().hold(world.dan, 50), 0, 50, -50).write()


@refused_by(LOCKS, HELD)
def a_release_that_holds(world: World) -> None:
    spoil(Act().hold(world.dan, -50), 0, -50, 50).write()


@refused_by(LOCKS, HELD)
def a_payment_that_arrives_locked(world: World) -> None:
    spoil(pay(world.ana, world.ben, 100), 1, 0, 100).write()


@refused_by(LOCKS, HELD)
def a_payment_from_held_money(world: World) -> None:
    spoil(pay(world.dan, world.ben, 100), 0, 0, -100).write()


@refused_by(MOVES, HELD)
def a_hold_that_makes_money(world: World) -> None:
    spoil(Act().hold(world.ana, 50), 0, 0, 50).write()


@refused_by(OF_BOTH, HELD)
def a_hold_with_a_second_entry(world: World) -> None:
    act = Act().hold(world.ana, 100)
    act.add_entry(act.transfer[0], world.ben, -100, locked_minor=100)
    act.write()


@refused_by(ONE_WALLET, LOCKS)
def a_hold_in_somebody_else_s_wallet(world: World) -> None:
    pay(world.ana, world.ben, 100, kind="hold").write()


@refused_by(TO_BANK)
def a_payment_that_ends_at_a_bank(world: World) -> None:
    pay(world.ana, world.bank, 100).write()


@refused_by(TO_BANK, HELD)
def a_payout_to_a_person(world: World) -> None:
    Act().pay_out(world.dan, world.ben, 50).write()


@refused_by(FROM_BANK)
def a_return_that_is_taken_from_a_person(world: World) -> None:
    pay(world.ana, world.ben, 100, kind="return").write()


@refused_by(CORRECTS)
def a_correction_between_two_people(world: World) -> None:
    pay(world.ana, world.ben, 100, kind="correction").write()
