"""What was published, changed; leaves and heads that do not stand for entries."""

from tests.wallet.attacks.history import run
from tests.wallet.forge import sql
from tests.wallet.guards import Clause, Constraint, Path, Trigger, World, refused_by

LEAF, NODE = Trigger("leaf_append_only"), Trigger("node_append_only")
CHECKPOINT = Trigger("checkpoint_append_only")
GAP, ORDER = Clause("f.index > 0 AND p.index IS NULL"), Clause("f.entry_id <= p.entry_id")
OF_ENTRY = Clause("f.hash IS DISTINCT FROM sha256")
COVERED, GROWS = (
    Clause("NOT EXISTS (SELECT FROM wallet_leaf"),
    Clause("EXISTS (SELECT FROM wallet_c"),
)

STATEMENTS = [
    ("a_leaf_changed", "UPDATE wallet_leaf SET hash = 'x'", LEAF),
    ("a_leaf_deleted", "DELETE FROM wallet_leaf", LEAF),
    ("leaves_truncated", "TRUNCATE wallet_leaf", LEAF),
    ("a_node_changed", "UPDATE wallet_node SET hash = 'x'", NODE),
    ("a_node_deleted", "DELETE FROM wallet_node", NODE),
    ("nodes_truncated", "TRUNCATE wallet_node", NODE),
    ("a_checkpoint_changed", "UPDATE wallet_checkpoint SET note = 'x'", CHECKPOINT),
    ("a_checkpoint_deleted", "DELETE FROM wallet_checkpoint", CHECKPOINT),
    ("checkpoints_truncated", "TRUNCATE wallet_checkpoint", CHECKPOINT),
]
for title, statement, guard in STATEMENTS:
    refused_by(guard)(run(title, statement))

_HASH = r"sha256('\x00'::bytea || uuid_send(n) || e.hash)"


def add_leaf(
    index: int, nth_entry: int, *, hashed: str = _HASH, table: str = "wallet_leaf"
) -> None:
    """Add a leaf of the nth entry of the books, in order."""
    sql(
        f"INSERT INTO {table} (index, entry_id, nonce, hash)"
        f" SELECT %s, e.id, n, {hashed} FROM (SELECT * FROM public.wallet_entry"
        " ORDER BY id LIMIT 1 OFFSET %s) e, gen_random_uuid() n",
        index,
        nth_entry,
    )


def add_head(size: int) -> None:
    """Publish a head of that size, whoever signs it."""
    sql(
        "INSERT INTO public.wallet_checkpoint (size, root, note, verifier, created_at)"
        " VALUES (%s, '', '', '', now())",
        size,
    )


@refused_by(GAP)
def a_leaf_behind_a_gap(world: World) -> None:
    add_leaf(1, 0)


@refused_by(Constraint("leaf_index_not_negative"))
def a_leaf_before_the_first(world: World) -> None:
    add_leaf(-1, 0)


@refused_by(ORDER)
def an_older_entry_after_a_newer(world: World) -> None:
    add_leaf(0, 1)
    add_leaf(1, 0)


@refused_by(ORDER, Constraint("wallet_leaf_entry_id%"))
def an_entry_that_is_a_leaf_already(world: World) -> None:
    add_leaf(0, 0)
    add_leaf(1, 0)


@refused_by(OF_ENTRY)
def a_leaf_with_the_hash_of_another_entry(world: World) -> None:
    add_leaf(0, 0, hashed="sha256('other')")


@refused_by(OF_ENTRY)
def a_leaf_of_no_entry(world: World) -> None:
    sql(
        "INSERT INTO wallet_leaf (index, entry_id, nonce, hash)"
        " VALUES (0, 999999999, gen_random_uuid(), 'x')"
    )


@refused_by(COVERED)
def a_head_over_more_than_there_is(world: World) -> None:
    add_leaf(0, 0)
    add_head(2)


@refused_by(COVERED, Constraint("checkpoint_size_positive"))
def a_head_over_nothing(world: World) -> None:
    add_head(0)


@refused_by(GROWS)
def a_head_smaller_than_the_last(world: World) -> None:
    add_leaf(0, 0)
    add_leaf(1, 1)
    add_head(2)
    add_head(1)


@refused_by(GROWS, Constraint("wallet_checkpoint_size%"))
def two_heads_of_one_size(world: World) -> None:
    add_leaf(0, 0)
    add_head(1)
    add_head(1)


@refused_by(Constraint("node_once"))
def one_node_twice(world: World) -> None:
    for _ in range(2):
        sql("INSERT INTO wallet_node (level, index, hash) VALUES (8, 0, 'x')")


@refused_by(Trigger("leaf_judged"))
def a_leaf_that_is_wrong_in_every_way(world: World) -> None:
    add_leaf(0, 1)
    add_leaf(7, 0, hashed="sha256('other')")


@refused_by(Trigger("checkpoint_judged"))
def a_head_that_is_wrong_in_every_way(world: World) -> None:
    add_head(9)
    add_head(8)


@refused_by(Path("wallet_judge_leaves"))
def a_leaf_judged_by_a_forged_entry(world: World) -> None:
    sql("CREATE TEMPORARY TABLE wallet_entry AS SELECT * FROM public.wallet_entry")
    sql("UPDATE pg_temp.wallet_entry SET hash = 'forged'")
    forged = r"sha256('\x00'::bytea || uuid_send(n) || 'forged'::bytea)"
    add_leaf(0, 0, hashed=forged, table="public.wallet_leaf")


@refused_by(Path("wallet_judge_checkpoints"))
def a_head_judged_by_forged_leaves(world: World) -> None:
    sql("CREATE TEMPORARY TABLE wallet_leaf AS SELECT 8::bigint AS index")
    add_head(9)
