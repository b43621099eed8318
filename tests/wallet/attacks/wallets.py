"""Wallets and single rows that say what may not be said."""

from collections.abc import Sequence
from uuid import uuid4

from tests.wallet.forge import Act, pay, sql
from tests.wallet.guards import (
    Attack,
    Clause,
    Constraint,
    Guard,
    NotNull,
    Trigger,
    World,
    refused_by,
)
from tests.wallet.rules import HASH, KNOWN, MOVES, ONCE, ONE_WALLET, POSITIVE

# Terms of a transfer


@refused_by(POSITIVE)
def paying_nothing(world: World) -> None:
    pay(world.ana, world.ben, 0).write()


@refused_by(POSITIVE)
def paying_less_than_nothing(world: World) -> None:
    pay(world.ana, world.ben, -100).write()


@refused_by(ONE_WALLET, ONCE, MOVES)
def paying_oneself(world: World) -> None:
    pay(world.ana, world.ana, 100).write()


def one_entry_of_ones_own(world: World, delta_minor: int) -> None:
    act = pay(world.ana, world.ben, 100)
    transfer, act.entry, act.balance = act.transfer[0], [], []
    transfer["target_id"] = world.ana.pk
    act.add_entry(transfer, world.ana, delta_minor)
    act.write()


@refused_by(ONE_WALLET, MOVES)
def paying_oneself_what_nobody_pays(world: World) -> None:
    one_entry_of_ones_own(world, 100)


@refused_by(ONE_WALLET)
def paying_oneself_nothing(world: World) -> None:
    one_entry_of_ones_own(world, 0)


@refused_by(KNOWN)
def a_kind_of_transfer_nobody_knows(world: World) -> None:
    pay(world.ana, world.ben, 100, kind="gift").write()


@refused_by(Constraint("transfer_key_once_per_actor"))
def one_key_twice_for_one_person(world: World) -> None:
    key = str(uuid4())
    for amount_minor in (100, 200):
        pay(world.ana, world.ben, amount_minor, idempotency_key=key).write()


@refused_by(Constraint("transfer_key_once_per_actor"))
def one_key_twice_for_the_house(world: World) -> None:
    """The house acts without an actor; NULLs count as equal here."""
    key = str(uuid4())
    for wallet in (world.ana, world.ben):
        pay(world.bank, wallet, 100, idempotency_key=key).write()


@refused_by(Constraint("wallet_transfer_public_id_%"))
def one_public_id_twice(world: World) -> None:
    same = str(uuid4())
    for wallet in (world.ana, world.ben):
        pay(world.bank, wallet, 100, public_id=same).write()


# Currencies


def in_currency(act: Act, kind: str, number: int, currency: str = "EUR") -> Act:
    getattr(act, kind)[number]["currency"] = currency
    act.seal()
    return act


OF_TRANSFER = Clause("e.currency = t.currency")
OF_WALLET = Clause("e.currency = w.currency")


@refused_by(OF_TRANSFER)
def a_transfer_in_another_currency_than_its_wallets(world: World) -> None:
    in_currency(pay(world.ana, world.ben, 100), "transfer", 0).write()


@refused_by(OF_TRANSFER, OF_WALLET)
def an_entry_in_another_currency_than_its_wallet(world: World) -> None:
    in_currency(pay(world.ana, world.ben, 100), "entry", 0).write()


@refused_by(OF_WALLET)
def a_payment_into_a_wallet_of_another_currency(world: World) -> None:
    pay(world.ana, world.euros, 100).write()


@refused_by(OF_TRANSFER)
def a_payment_that_changes_currency_on_its_way(world: World) -> None:
    in_currency(pay(world.ana, world.euros, 100), "entry", 1).write()


@refused_by(OF_TRANSFER)
def a_payment_out_of_a_wallet_of_another_currency(world: World) -> None:
    act = in_currency(pay(world.ana, world.euros, 100), "entry", 1)
    in_currency(act, "transfer", 0).write()


# What may not be empty

UNHASHED: list[Guard] = [NotNull("wallet_entry", "hash"), HASH]


@refused_by(*UNHASHED)
def an_entry_without_a_hash(world: World) -> None:
    act = pay(world.bank, world.ana, 100)
    act.entry[0]["hash"] = None
    act.write()


@refused_by(NotNull("wallet_transfer", "fingerprint"), *UNHASHED)
def a_transfer_without_a_fingerprint(world: World) -> None:
    act = pay(world.bank, world.ana, 100)
    act.transfer[0]["fingerprint"] = None
    act.entry[0]["hash"] = None
    act.write()


@refused_by(NotNull("wallet_transfer", "note"))
def a_transfer_without_a_note(world: World) -> None:
    act = pay(world.bank, world.ana, 100)
    act.transfer[0]["note"] = None
    act.write()


# A wallet's own rules


def wallet(
    *,
    owner: str = "(SELECT max(id) FROM accounts_user)",
    kind: str = "merchant",
    name: str = "New",
    currency: str = "INR",
    status: str = "active",
    tracks_balance: bool = True,
) -> None:
    sql(
        "INSERT INTO wallet_wallet (public_id, owner_id, kind, name, currency, status,"
        f" tracks_balance, created_at) VALUES (gen_random_uuid(), {owner}, %s, %s, %s, %s, %s,"
        " now())",
        *(kind, name, currency, status, tracks_balance),
    )


@refused_by(Constraint("wallet_kind_known"), Constraint("wallet_owner_fits_kind"))
def a_kind_of_wallet_nobody_knows(world: World) -> None:
    wallet(kind="pot", owner="NULL")


@refused_by(Constraint("wallet_kind_known"))
def a_kind_of_wallet_nobody_knows_that_somebody_owns(world: World) -> None:
    wallet(kind="pot")


@refused_by(Constraint("wallet_status_known"))
def a_status_nobody_knows(world: World) -> None:
    sql("UPDATE wallet_wallet SET status = 'asleep' WHERE id = %s", world.ana.pk)


@refused_by(Constraint("wallet_currency_form"))
def a_currency_in_small_letters(world: World) -> None:
    wallet(currency="inr")


@refused_by(Constraint("wallet_owner_fits_kind"))
def a_person_s_wallet_without_a_person(world: World) -> None:
    wallet(owner="NULL")


@refused_by(Constraint("wallet_owner_fits_kind"))
def a_settlement_wallet_that_a_person_owns(world: World) -> None:
    wallet(kind="settlement")


@refused_by(Constraint("wallet_of_the_house_once"))
def a_second_settlement_wallet_for_one_bank(world: World) -> None:
    wallet(kind="settlement", owner="NULL", name=world.bank.name)


@refused_by(Constraint("wallet_of_a_person_once_per_currency"))
def a_second_wallet_of_one_person_in_one_currency(world: World) -> None:
    wallet(kind="user")


@refused_by(Constraint("wallet_only_settlement_keeps_no_balance"))
def a_wallet_of_a_person_that_may_go_below_zero(world: World) -> None:
    wallet(tracks_balance=False)


@refused_by(Constraint("wallet_only_settlement_keeps_no_balance"))
def a_mint_in_the_name_of_the_house(world: World) -> None:
    wallet(kind="suspense", owner="NULL", name="Mint", tracks_balance=False)


# A wallet's terms

TERMS = Trigger("wallet_keeps_its_terms")


def set_terms(assignment: str, of: str) -> Attack:
    def attack(world: World) -> None:
        wallet(kind="fees", owner="NULL", name="Fees")
        wallet(name="Shop")
        sql(f"UPDATE wallet_wallet SET {assignment} WHERE name = %s", of)

    attack.__name__ = f"a_wallet_changed_{assignment.split()[0]}_of_{of.lower()}"
    return attack


CHANGES: list[tuple[str, str, Sequence[Guard]]] = [
    ("id = -1", "Fees", [TERMS]),
    ("public_id = gen_random_uuid()", "Fees", [TERMS]),
    ("kind = 'suspense'", "Fees", [TERMS]),
    ("currency = 'EUR'", "Fees", [TERMS]),
    (
        "tracks_balance = false",
        "Fees",
        [TERMS, Constraint("wallet_only_settlement_keeps_no_balance")],
    ),
    ("owner_id = (SELECT min(id) FROM accounts_user)", "Shop", [TERMS]),
    ("owner_id = NULL", "Shop", [TERMS, Constraint("wallet_owner_fits_kind")]),
    (
        "tracks_balance = false",
        "Shop",
        [TERMS, Constraint("wallet_only_settlement_keeps_no_balance")],
    ),
]
for assignment, of, guards in CHANGES:
    refused_by(*guards)(set_terms(assignment, of))


@refused_by(TERMS)
def terms_changed_by_merge(world: World) -> None:
    sql(
        "MERGE INTO wallet_wallet w USING (SELECT 1) s ON w.id = %s"
        " WHEN MATCHED THEN UPDATE SET kind = 'merchant'",
        world.cem.pk,
    )


@refused_by(TERMS)
def terms_changed_by_on_conflict(world: World) -> None:
    sql(
        "INSERT INTO wallet_wallet SELECT * FROM wallet_wallet WHERE id = %s"
        " ON CONFLICT (id) DO UPDATE SET kind = 'merchant'",
        world.cem.pk,
    )
