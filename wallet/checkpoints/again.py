"""The tree hashed again from the entries as they are now: one pass, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection

from wallet import merkle
from wallet.checkpoints import tree
from wallet.checkpoints.growing import unpacked
from wallet.models import Leaf, Node

Problem = tuple[str, str]
_BATCH = tree.WIDTH * tree.WIDTH
_PAST = "was added behind a published entry: it stands in no leaf of the tree"
_GONE = "is gone, although it was published"
_CHANGED = "was changed after it was published"
_NODE = "is not the hash of what stands below it"


@dataclass
class HashedAgain:
    """The roots over the first sizes (ascending) leaves; complete once problems() has ended."""

    sizes: list[int]
    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    _frontier: merkle.Frontier = field(default_factory=merkle.Frontier)
    _nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    _pending: dict[int, list[bytes]] = field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Hash leaves from entries and nodes from leaves; tell what is not as it was."""
        end, last_id = tree.size(), 0
        self._nodes = _stored_nodes(level__gt=tree.LEVELS)
        for start in range(0, end, _BATCH):
            newest_id = _last_entry(start)
            first = start // tree.WIDTH
            self._nodes |= _stored_nodes(level=tree.LEVELS, index__range=(first, first + 255))
            for block in _read(start, last_id, newest_id):
                yield from _added(block.strangers) if block.strangers else self._take(block)
            last_id = newest_id

    def _take(self, block: "_Block") -> Iterator[Problem]:
        """Go on by one block; all but the last are full."""
        leaves = unpacked(block.fresh)
        while self.sizes and self.sizes[0] <= self.size + len(leaves):
            asked = self.sizes.pop(0)
            tail = merkle.root(leaves[: asked - self.size])
            self.roots[asked] = self._frontier.root(tail)
        self.size += len(leaves)
        root = kept_root = _root(leaves)
        self._frontier.push(root)
        if block.fresh != block.kept:
            yield from _changed(block.number)
            kept_root = _root(unpacked(block.kept))
        if len(leaves) == tree.WIDTH:
            yield from self._judge_node(tree.LEVELS, block.number, kept_root)

    def _judge_node(self, level: int, index: int, found: bytes) -> Iterator[Problem]:
        """Compare the node that leaves give with the stored one, and those above once complete."""
        if self._nodes.pop((level, index), None) != found:
            yield f"node {index} of level {level}", _NODE
        pending = self._pending.setdefault(level, [])
        pending.append(found)
        if len(pending) == tree.WIDTH:
            above = merkle.complete_root(pending)
            pending.clear()
            yield from self._judge_node(level + tree.LEVELS, index // tree.WIDTH, above)


class _Block(NamedTuple):
    """256 leaves as their entries give them and as they were kept; or strangers, and no leaf."""

    number: int
    fresh: bytes
    kept: bytes
    strangers: list[int] | None


# Entries lie in the order of their leaves, so a range of the one is a range of the other.
_READ = r"""
SELECT l.index >> 8,
  string_agg(sha256('\x00'::bytea || uuid_send(l.nonce) || coalesce(e.hash, ''::bytea)),
    ''::bytea ORDER BY l.index),
  string_agg(l.hash, ''::bytea ORDER BY l.index),
  (array_agg(e.id) FILTER (WHERE l.index IS NULL))[:1000]
FROM (SELECT * FROM wallet_leaf WHERE index >= %(start)s AND index < %(end)s) l
FULL JOIN (SELECT id, hash FROM wallet_entry WHERE id > %(after)s AND id <= %(upto)s) e
  ON e.id = l.entry_id
GROUP BY 1 ORDER BY 1
"""


def _read(start: int, after_id: int, upto_id: int) -> Iterator[_Block]:
    asked = {"start": start, "end": start + _BATCH, "after": after_id, "upto": upto_id}
    with connection.cursor() as cursor:
        cursor.execute(_READ, asked)
        while row := cursor.fetchone():
            yield _Block(*row)


def _last_entry(start: int) -> int:
    """Return the entry of the last leaf of the batch from start."""
    batch = Leaf.objects.filter(index__range=(start, start + _BATCH - 1))
    return batch.order_by("-index").values_list("entry_id", flat=True).first() or 0


def _stored_nodes(**wanted: object) -> dict[tuple[int, int], bytes]:
    rows = Node.objects.filter(**wanted).values_list("level", "index", "hash")
    return {(level, index): bytes(digest) for level, index, digest in rows}


def _root(leaves: list[bytes]) -> bytes:
    is_full = len(leaves) == tree.WIDTH
    return merkle.complete_root(leaves) if is_full else merkle.root(leaves)


def _added(strangers: list[int]) -> Iterator[Problem]:
    for entry_id in strangers:
        yield f"entry {entry_id}", _PAST


_CHANGED_IN = r"""
SELECT l.entry_id, e.wallet_id FROM wallet_leaf l LEFT JOIN wallet_entry e ON e.id = l.entry_id
WHERE l.index >= %s AND l.index < %s
  AND l.hash IS DISTINCT FROM sha256('\x00'::bytea || uuid_send(l.nonce) || e.hash)
ORDER BY l.index
"""


def _changed(block: int) -> Iterator[Problem]:
    """Tell which entries of a block are not what their leaves say."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED_IN, [block * tree.WIDTH, (block + 1) * tree.WIDTH])
        for entry_id, wallet_id in cursor.fetchall():
            if wallet_id is None:
                yield f"entry {entry_id}", _GONE
            else:
                yield f"wallet {wallet_id} entry {entry_id}", _CHANGED
