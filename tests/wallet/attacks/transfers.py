"""Transfers whose entries, times or fingerprint are not theirs."""

from typing import Any

from tests.wallet.forge import Act, pay, stored
from tests.wallet.guards import World, refused_by
from tests.wallet.rules import (
    ACTOR,
    BACKWARDS,
    BOTH,
    CREATED,
    ENTRY_JUDGED,
    FINGERPRINT,
    FROM_BANK,
    HAPPENED,
    MOVES,
    NOT_AFTER,
    NOT_BEFORE,
    OF_BOTH,
    ONCE,
    TOO_EARLY,
    TOO_LATE,
)


@refused_by(BOTH)
def a_transfer_without_entries(world: World) -> None:
    pay(world.ana, world.ben, 100).write("transfer")


@refused_by(BOTH)
def a_transfer_with_one_entry(world: World) -> None:
    act = Act()
    act.pay(world.ana, world.ben, 100)
    act.entry, act.balance = act.entry[:1], act.balance[:1]
    act.write()


@refused_by(BOTH)
def a_transfer_with_the_payee_s_entry_alone(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.entry, act.balance = act.entry[1:], act.balance[1:]
    act.write()


def spoilt_amounts(world: World, source_minor: int, target_minor: int) -> Act:
    """A payment of 100 from ana to ben whose entries say something else."""
    act = Act()
    act.pay(world.ana, world.ben, 100)
    transfer, act.entry, act.balance = act.transfer[0], [], []
    act.add_entry(transfer, world.ana, source_minor)
    act.add_entry(transfer, world.ben, target_minor)
    return act


@refused_by(MOVES)
def entries_that_make_money(world: World) -> None:
    spoilt_amounts(world, -100, 150).write()


@refused_by(MOVES)
def entries_that_lose_money(world: World) -> None:
    spoilt_amounts(world, -150, 100).write()


@refused_by(MOVES)
def entries_that_cancel_out_but_move_another_amount(world: World) -> None:
    spoilt_amounts(world, -150, 150).write()


@refused_by(MOVES)
def entries_that_move_the_amount_the_other_way(world: World) -> None:
    spoilt_amounts(world, 100, -100).write()


@refused_by(BOTH, OF_BOTH)
def entries_that_cancel_out_in_another_wallet(world: World) -> None:
    act = pay(world.ana, world.cem, 100)
    act.transfer[0]["target_id"] = world.ben.pk
    act.seal()
    act.write()


@refused_by(OF_BOTH)
def a_third_entry(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.add_entry(act.transfer[0], world.cem, 100)
    act.write()


@refused_by(OF_BOTH, MOVES)
def a_third_and_a_fourth_entry_that_cancel_out(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.add_entry(act.transfer[0], world.cem, 50)
    act.add_entry(act.transfer[0], world.bank, -50)
    act.write()


@refused_by(OF_BOTH, MOVES)
def a_third_entry_in_a_second_part_of_the_statement(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    more = Act(behind=act.transfer)
    more.add_entry(act.transfer[0], world.cem, 50)
    act.write_with(more)


def later_entry(world: World, wallet: Any, delta_minor: int, act: Act) -> None:
    act.add_entry(stored(world.older_id), wallet, delta_minor)


@refused_by(OF_BOTH)
def an_entry_added_to_an_older_transfer(world: World) -> None:
    act = Act()
    later_entry(world, world.cem, 100, act)
    act.write()


@refused_by(ONCE)
def an_entry_of_the_payer_added_to_an_older_transfer(world: World) -> None:
    act = Act()
    later_entry(world, world.ana, -100, act)
    act.write()


@refused_by(OF_BOTH, MOVES)
def a_pair_that_cancels_out_added_to_an_older_transfer(world: World) -> None:
    act = Act()
    later_entry(world, world.cem, 50, act)
    later_entry(world, world.bank, -50, act)
    act.write()


@refused_by(OF_BOTH, MOVES)
def a_payment_and_a_pair_for_an_older_transfer_in_one_statement(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    later_entry(world, world.cem, 50, act)
    later_entry(world, world.bank, -50, act)
    act.write()


@refused_by(ENTRY_JUDGED)
def entries_of_no_transfer(world: World) -> None:
    pay(world.ana, world.ben, 100).write("entry", "balance")


@refused_by(ENTRY_JUDGED)
def entries_whose_transfer_follows_in_a_later_statement(world: World) -> None:
    """Its foreign key waits until COMMIT, so only the judge asks for it now."""
    act = pay(world.ana, world.ben, 100)
    act.write("entry", "balance")
    act.write("transfer")


@refused_by(BOTH)
def entries_that_follow_their_transfer_in_a_later_statement(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.write("transfer")
    act.write("entry", "balance")


@refused_by(FINGERPRINT)
def a_wrong_fingerprint(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.transfer[0]["note"] = "Rent"  # Not sealed again.
    act.write()


@refused_by(FROM_BANK)
def money_out_of_settlement_under_the_name_of_a_payment(world: World) -> None:
    pay(world.bank, world.cem, 100, kind="send").write()


@refused_by(FROM_BANK)
def money_from_a_bank_that_is_taken_from_a_person(world: World) -> None:
    pay(world.ana, world.ben, 100, kind="onramp").write()


# Times


@refused_by(NOT_BEFORE)
def books_that_are_dated_back(world: World) -> None:
    pay(world.ana, world.ben, 100, posted_at="2020-02-02T00:00:00Z").write()


@refused_by(NOT_AFTER)
def books_that_are_dated_ahead(world: World) -> None:
    pay(world.ana, world.ben, 100, posted_at="2199-01-01T00:00:00Z").write()


@refused_by(BACKWARDS)
def an_entry_that_happened_before_the_last_one(world: World) -> None:
    pay(world.ana, world.ben, 100, happened_at="2020-02-02T00:00:00Z").write()


@refused_by(TOO_LATE)
def a_payment_that_happens_after_the_end_of_python_s_calendar(world: World) -> None:
    pay(world.ana, world.ben, 100, happened_at="12026-01-01T00:00:00Z").write()


@refused_by(TOO_EARLY)
def a_payment_that_happened_before_christ(world: World) -> None:
    pay(world.bank, world.cem, 100, happened_at="0044-03-15T00:00:00Z BC").write()


@refused_by(HAPPENED)
def an_entry_that_did_not_happen_when_its_transfer_did(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.entry[0]["happened_at"] = act.balance[0]["happened_at"] = "2199-01-01T00:00:00Z"
    act.seal()
    act.write()


@refused_by(CREATED)
def an_entry_that_was_not_posted_with_its_transfer(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.entry[0]["created_at"] = "2020-02-02T00:00:00Z"
    act.seal()
    act.write()


@refused_by(ACTOR)
def a_transfer_that_nobody_asked_for(world: World) -> None:
    pay(world.ana, world.ben, 100, actor_id=2**40).write()


@refused_by(ACTOR)
def a_credit_that_nobody_asked_for(world: World) -> None:
    pay(world.bank, world.ben, 100, actor_id=2**40).write()
