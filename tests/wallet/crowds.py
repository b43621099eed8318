"""A crowd that grows behind PostgreSQL's back: plans made before it came are kept."""

from tests.wallet.forge import sql

BATCH, MANY = 200, 10_000
BIG = ("accounts_user", "wallet_wallet", "wallet_balance", "wallet_transfer", "wallet_entry")
FIRST = 1_000_000
ZEROS = "decode(repeat('00', 32), 'hex')"

# People with a new wallet, and old history that is nobody's, one row of each for each number.
CROWD = (
    "INSERT INTO accounts_user (id, public_id, handle, name, phone, password, is_superuser,"
    " is_staff, is_active, date_joined) SELECT n, gen_random_uuid(), 'crowd' || n, 'Crowd',"
    " '+1' || n, '', false, false, true, now() FROM generate_series(%s, %s) n",
    "INSERT INTO wallet_wallet (id, public_id, kind, name, currency, status, tracks_balance,"
    " created_at, owner_id) SELECT n, gen_random_uuid(), 'user', '', 'INR', 'active', true, now(),"
    " n FROM generate_series(%s, %s) n",
    "INSERT INTO wallet_balance (wallet_id, available_minor, locked_minor, version, head_hash)"
    f" SELECT n, 0, 0, 0, {ZEROS} FROM generate_series(%s, %s) n",
    "INSERT INTO wallet_transfer (id, public_id, kind, source_id, target_id, amount_minor,"
    " currency, idempotency_key, fingerprint, note, happened_at, posted_at)"
    " SELECT n, gen_random_uuid(), 'onramp', 0, -n, 1, 'INR', gen_random_uuid(),"
    f" {ZEROS}, '', now(), now() FROM generate_series(%s, %s) n",
    "INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,"
    " delta_locked_minor, version, available_before_minor, available_after_minor,"
    " locked_before_minor, locked_after_minor, prev_hash, hash, happened_at, created_at)"
    f" SELECT n, -n, 'INR', 1, 0, 1, 0, 1, 0, 0, {ZEROS}, {ZEROS}, now(), now()"
    " FROM generate_series(%s, %s) n",
)


def add_crowd(first: int, count: int) -> None:
    sql("SET LOCAL session_replication_role = replica")
    for statement in CROWD:
        sql(statement, FIRST + first, FIRST + first + count - 1)
    sql("SET LOCAL session_replication_role = origin")


def rows_read(*tables: str) -> dict[str, int]:
    """Return how many rows of each of these tables this transaction has read; else of the BIG."""
    return dict(
        sql(
            "SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = ANY (%s)",
            list(tables or BIG),
        )
    )


def plan_while_small(*, page_cost: int = 1_000) -> None:
    """
    Let what runs next be planned for a handful of rows.

    page_cost is what PostgreSQL thinks of a page of an index, which usually is 4: indexes seem
    costly when most of their pages are dead.
    """
    sql(f"SET LOCAL random_page_cost = {page_cost}")
    for table in BIG:
        sql(f"ANALYZE {table}")
    sql("DISCARD PLANS")
