"""
Adding entries to the tree: those that are settled, in the order of their ids, a batch at a time.

Each batch is one transaction under one lock, so a builder that dies, or two at once, do no harm:
whoever comes next goes on after the last leaf.
"""

import time
from collections.abc import Callable, Iterator

from django.db import connection, transaction
from django.db.models import Max

from nexapay.kernel import db
from wallet import merkle
from wallet.checkpoints import tree
from wallet.models import Entry, Leaf, Node

# Any number, as long as it stays: one builder at a time holds this lock.
_ADVISORY_LOCK = 6_962_916_201
_BATCH = 16_384
_PATIENCE_S = 10.0
_PAUSE_S = 0.01

Progress = Callable[[str], None]


def settled_cut(*, pause: Callable[[float], None] = time.sleep) -> int:
    """
    Return an entry id up to which every entry is committed, or never will be; 0 for none.

    Ids are drawn in order but not committed in order. Whoever drew one up to the newest that is
    committed now has held a lock on the table since before; once all of those are gone, so is
    the doubt. Nobody waits for us meanwhile, which LOCK TABLE would ask of every payment.

    :raises Busy: if somebody keeps a transaction open for ten seconds.
    """
    cut: int = Entry.objects.aggregate(newest=Max("id"))["newest"] or 0
    writers = _writers()
    for _ in range(round(_PATIENCE_S / _PAUSE_S)):
        if not writers:
            return cut
        pause(_PAUSE_S)
        writers &= _writers()
    raise db.Busy("A payment has been open for long. No checkpoint was made; try again.")


def _writers() -> set[str]:
    """Return the transactions of others that may have added entries and are not over yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT virtualtransaction FROM pg_locks"
            " WHERE locktype = 'relation' AND relation = 'wallet_entry'::regclass"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND mode = 'RowExclusiveLock' AND granted"
            " AND pid IS DISTINCT FROM pg_backend_pid()"
        )
        return {writer for (writer,) in cursor.fetchall()}


def grow(
    *, progress: Progress = lambda line: None, pause: Callable[[float], None] = time.sleep
) -> int:
    """Add every settled entry that the tree lacks; return how many leaves it has then."""
    cut = settled_cut(pause=pause)
    while added := db.retrying(lambda: _add(cut)):
        progress(f"{added:,} entries are in the tree …")
    return tree.size()


@transaction.atomic
def take_turn() -> None:
    """Wait until no other builder is at work; the lock is held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])


_ADD = r"""
INSERT INTO wallet_leaf (index, entry_id, nonce, hash)
SELECT %(size)s + row_number() OVER (ORDER BY id) - 1, id, nonce,
  sha256('\x00'::bytea || uuid_send(nonce) || hash)
FROM (
  SELECT id, hash, gen_random_uuid() AS nonce FROM wallet_entry
  WHERE id > %(last)s AND id <= %(cut)s ORDER BY id LIMIT %(limit)s
) e
"""


@transaction.atomic
def _add(cut: int) -> int:
    """Add one batch; return how many leaves there are then, or 0 once nothing was left to add."""
    take_turn()
    newest = Leaf.objects.order_by("-index").first()
    size, last = (newest.index + 1, newest.entry_id) if newest else (0, 0)
    with connection.cursor() as cursor:
        cursor.execute(_ADD, {"size": size, "last": last, "cut": cut, "limit": _BATCH})
        added = int(cursor.rowcount)
    if not added:
        return 0
    _complete(size, size + added)
    return size + added


def _complete(old: int, new: int) -> None:
    """Add the nodes that have all their leaves now that the tree grew from old to new."""
    level = tree.LEVELS
    while (first := old >> level) < (end := new >> level):
        below = _blocks(level - tree.LEVELS, first, end)
        Node.objects.bulk_create(
            Node(level=level, index=first + at, hash=merkle.complete_root(hashes))
            for at, hashes in enumerate(below)
        )
        level += tree.LEVELS


_BLOCKS_OF_LEAVES = """
SELECT string_agg(hash, ''::bytea ORDER BY index) FROM wallet_leaf
WHERE index >= %(start)s AND index < %(end)s GROUP BY index >> 8 ORDER BY index >> 8
"""
_BLOCKS_OF_NODES = """
SELECT string_agg(hash, ''::bytea ORDER BY index) FROM wallet_node
WHERE level = %(level)s AND index >= %(start)s AND index < %(end)s
GROUP BY index >> 8 ORDER BY index >> 8
"""


def _blocks(level: int, first: int, end: int) -> Iterator[list[bytes]]:
    """Return the 256 hashes of level below each node from first to end."""
    asked = {"level": level, "start": first * tree.WIDTH, "end": end * tree.WIDTH}
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS_OF_NODES if level else _BLOCKS_OF_LEAVES, asked)
        for (packed,) in cursor.fetchall():
            yield unpacked(packed)


def unpacked(packed: bytes) -> list[bytes]:
    """Return the hashes that stand one after the other."""
    return [packed[at : at + 32] for at in range(0, len(packed), 32)]
