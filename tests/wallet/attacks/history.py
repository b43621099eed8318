"""History rewritten, rows taken away, and statements that write in unusual ways."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from django.db import connection

from tests.wallet.forge import Act, Row, pay, sql, stored
from tests.wallet.guards import (
    Attack,
    EveryTruncateTrigger,
    Guard,
    Path,
    Trigger,
    World,
    refused_by,
)
from tests.wallet.rules import AVAILABLE, NO_BALANCE

TRANSFER, ENTRY = Trigger("transfer_append_only"), Trigger("entry_append_only")
STAYS, MOVES = Trigger("balance_stays"), Trigger("balance_stays_with_its_wallet")
WALLET = Trigger("wallet_stays")


def run(title: str, statement: str) -> Attack:
    def attack(world: World) -> None:
        sql(statement)

    attack.__name__ = title
    return attack


STATEMENTS: list[tuple[str, str, Sequence[Guard]]] = [
    ("a_transfer_changed", "UPDATE wallet_transfer SET note = 'Rent'", [TRANSFER]),
    ("no_transfer_changed", "UPDATE wallet_transfer SET note = 'Rent' WHERE false", [TRANSFER]),
    ("a_transfer_changed_to_itself", "UPDATE wallet_transfer SET id = id", [TRANSFER]),
    ("no_transfer_deleted", "DELETE FROM wallet_transfer WHERE false", [TRANSFER]),
    ("transfers_truncated", "TRUNCATE wallet_transfer CASCADE", [EveryTruncateTrigger()]),
    ("an_entry_changed", "UPDATE wallet_entry SET hash = 'x'", [ENTRY]),
    ("no_entry_changed", "UPDATE wallet_entry SET version = 1 WHERE false", [ENTRY]),
    ("an_entry_deleted", "DELETE FROM wallet_entry WHERE version = 2", [ENTRY]),
    ("no_entry_deleted", "DELETE FROM wallet_entry WHERE false", [ENTRY]),
    ("entries_truncated", "TRUNCATE wallet_entry", [ENTRY]),
    ("balances_deleted", "DELETE FROM wallet_balance", [STAYS]),
    ("balances_truncated", "TRUNCATE wallet_balance", [STAYS]),
    (
        "everything_truncated_with_wallets",
        "TRUNCATE wallet_wallet CASCADE",
        [EveryTruncateTrigger()],
    ),
    (
        "everything_truncated_with_people",
        "TRUNCATE accounts_user CASCADE",
        [EveryTruncateTrigger()],
    ),
    ("no_wallet_deleted", "DELETE FROM wallet_wallet WHERE false", [WALLET]),
    (
        "an_entry_changed_by_merge",
        "MERGE INTO wallet_entry e USING (SELECT) s ON e.version = 1"
        " WHEN MATCHED THEN UPDATE SET hash = 'x'",
        [ENTRY],
    ),
    (
        "an_entry_deleted_by_merge",
        "MERGE INTO wallet_entry e USING (SELECT) s ON e.version = 2 WHEN MATCHED THEN DELETE",
        [ENTRY],
    ),
    (
        "a_transfer_changed_by_on_conflict",
        "INSERT INTO wallet_transfer SELECT * FROM wallet_transfer"
        " ON CONFLICT (id) DO UPDATE SET note = 'Rent'",
        [TRANSFER],
    ),
    (
        "an_entry_changed_by_on_conflict",
        "INSERT INTO wallet_entry SELECT * FROM wallet_entry WHERE version = 1"
        " ON CONFLICT (wallet_id, version) DO UPDATE SET hash = 'x'",
        [ENTRY],
    ),
    (
        "an_entry_changed_inside_a_query",
        "WITH changed AS (UPDATE wallet_entry SET hash = 'x' RETURNING 1) SELECT FROM changed",
        [ENTRY],
    ),
    (
        "a_balance_changed_inside_a_query",
        "WITH changed AS (UPDATE wallet_balance SET available_minor = available_minor + 1"
        " WHERE version > 0) SELECT 1",
        [AVAILABLE],
    ),
    (
        "balances_changed_by_merge",
        "MERGE INTO wallet_balance b USING (SELECT) s ON b.version > 0"
        " WHEN MATCHED THEN UPDATE SET available_minor = available_minor + 1",
        [AVAILABLE],
    ),
    (
        "balances_changed_by_on_conflict",
        "INSERT INTO wallet_balance SELECT * FROM wallet_balance WHERE version > 0"
        " ON CONFLICT (wallet_id) DO UPDATE SET available_minor = 10000",
        [AVAILABLE],
    ),
    (
        "a_balance_moved_to_another_wallet",
        "UPDATE wallet_balance SET wallet_id = wallet_id",
        [MOVES],
    ),
    (
        "a_balance_borrowed_and_given_back",
        "UPDATE wallet_balance SET available_minor = available_minor + 1 WHERE version > 0;"
        " UPDATE wallet_balance SET available_minor = available_minor - 1"
        " WHERE version > 0",
        [AVAILABLE],
    ),
    (
        "a_balance_changed_in_a_block",
        "DO $$ BEGIN UPDATE wallet_balance SET available_minor = available_minor + 1"
        " WHERE version > 0; END $$",
        [AVAILABLE],
    ),
]
for title, statement, guards in STATEMENTS:
    refused_by(*guards)(run(title, statement))


@refused_by(WALLET)
def a_wallet_deleted(world: World) -> None:
    sql(
        "INSERT INTO wallet_wallet (public_id, kind, name, currency, status, tracks_balance,"
        " created_at) VALUES (gen_random_uuid(), 'fees', 'F', 'INR', 'active', true, now())"
    )
    sql("DELETE FROM wallet_wallet WHERE name = 'F'")


@refused_by(TRANSFER, ENTRY)
def a_transfer_deleted_with_its_entries(world: World) -> None:
    sql("DELETE FROM wallet_entry WHERE transfer_id = %s", world.older_id)
    sql("DELETE FROM wallet_transfer WHERE id = %s", world.older_id)


# COPY


def copy_in(table: str, rows: list[Row]) -> None:
    """COPY has a wire protocol of its own."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writerows(rows)
    columns = ", ".join(rows[0])
    statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)"
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(text.getvalue())


@refused_by(Trigger("transfer_judged"))
def a_transfer_copied_in(world: World) -> None:
    copy_in("wallet_transfer", pay(world.ana, world.ben, 100, note="Tea").transfer)


@refused_by(Trigger("entry_judged"))
def entries_copied_in(world: World) -> None:
    act = Act()
    act.add_entry(stored(world.older_id), world.bank, 5)
    copy_in("wallet_entry", act.entry)


@refused_by(Trigger("balance_judged_when_made"), Trigger("balance_is_tracked"))
def a_balance_copied_in(world: World) -> None:
    empty: dict[str, Any] = {"available_minor": 5, "locked_minor": 0, "version": 0}
    copy_in("wallet_balance", [{"wallet_id": world.bank.pk, "head_hash": "\\x00"} | empty])


@refused_by(Trigger("balance_judged_when_changed"))
def a_balance_changed_in_one_statement_and_its_entries_added_in_the_next(world: World) -> None:
    act = pay(world.ana, world.ben, 100)
    act.write("balance")
    act.write("transfer", "entry")


# Writable CTEs that split the work or put it in another order


@refused_by(NO_BALANCE)
def parts_in_another_order_without_the_balance(world: World) -> None:
    pay(world.ana, world.ben, 100).write("entry", "transfer")


# Tables that stand before ours: every role may make temporary ones


@refused_by(Path("wallet_judge_balances"))
def a_balance_judged_by_forged_entries(world: World) -> None:
    sql("CREATE TEMPORARY TABLE wallet_entry AS SELECT * FROM public.wallet_entry")
    sql("UPDATE pg_temp.wallet_entry SET available_after_minor = 1000000")
    sql(
        "UPDATE public.wallet_balance SET available_minor = 1000000 WHERE wallet_id = %s",
        world.ana.pk,
    )


@refused_by(Path("wallet_judge_transfers"))
def a_transfer_judged_by_forged_entries(world: World) -> None:
    act = pay(world.ana, world.ben, 100, note="Tea")
    sql("CREATE TEMPORARY TABLE wallet_entry (LIKE public.wallet_entry)")
    act.write("entry")
    copy_in("public.wallet_transfer", act.transfer)


@refused_by(Path("wallet_judge_entries"))
def an_entry_of_an_older_transfer_judged_by_forged_transfers(world: World) -> None:
    act = Act()
    act.add_entry(stored(world.older_id), world.bank, 100)
    sql("CREATE TEMPORARY TABLE wallet_transfer AS SELECT * FROM public.wallet_transfer")
    sql("UPDATE pg_temp.wallet_transfer SET kind = 'payout', target_id = %s", world.bank.pk)
    act.write("entry")
