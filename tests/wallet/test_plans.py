"""A payment's statements take the shortest way to their rows (docs/decisions/0047)."""

from typing import cast

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from nexapay.kernel.postgresql.base import DatabaseWrapper
from nexapay.kernel.prepared import Prepared
from tests.factories import send
from tests.wallet.crowds import add_crowd
from tests.wallet.pages import ananya, kabir, owner
from wallet import journal, people

pytestmark = pytest.mark.django_db

# Balances lie in the order in which they were changed last, not in that of their wallets.
SHUFFLED = (
    "SET LOCAL session_replication_role = replica",
    "CREATE TEMP TABLE held AS SELECT * FROM wallet_balance ORDER BY md5(wallet_id::text)",
    "DELETE FROM wallet_balance",
    "INSERT INTO wallet_balance SELECT * FROM held",
    "SET LOCAL session_replication_role = origin",
    "ANALYZE wallet_balance",
)


def test_two_balances_are_locked_as_their_index_finds_them() -> None:
    """Guard: random_page_cost. As PostgreSQL comes, it collects rows by page, and sorts them."""
    plan = planned(journal._LOCK, [])

    assert "Index Scan" in plan
    assert "Sort" not in plan
    assert "Bitmap" not in plan


def test_how_often_somebody_was_paid_is_read_from_the_index_of_keys_alone() -> None:
    """Guard: what transfer_key_once_per_actor includes."""
    ana, ben = ananya(), kabir()
    send(ana, ben, 100)
    with CaptureQueriesContext(connection) as asked:
        people.search(wallet_id=ana.pk, user_id=owner(ana).pk, query="kab")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = off")  # Which a table of few rows asks for.
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Only Scan using transfer_key_once_per_actor" in plan
    assert f"Index Cond: (actor_id = {ana.owner_id})" in plan


def planned(query: Prepared, *values: object) -> str:
    """Return the plan for all values, among a thousand people that PostgreSQL knows of."""
    asked = query.message(values, cast(DatabaseWrapper, connections["default"])).statement.command
    add_crowd(0, 1_000)
    with connection.cursor() as cursor:
        for statement in SHUFFLED:
            cursor.execute(statement)
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {asked.decode()}")
        return "\n".join(line for (line,) in cursor.fetchall())
