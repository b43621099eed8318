"""
The stored tree. Leaves and every eighth level are rows; the rest is hashed from 256 of them.

So a path through ten million leaves reads a few hundred hashes, wherever it leads.
"""

from collections.abc import Sequence

from django.db.models import Q

from wallet import merkle
from wallet.models import Leaf, Node

LEVELS = 8  # From one stored level to the next.
WIDTH = 1 << LEVELS  # How many hashes of one stored level make one of the next.


def size() -> int:
    """Return how many leaves the tree has."""
    newest = Leaf.objects.order_by("-index").values_list("index", flat=True).first()
    return 0 if newest is None else newest + 1


def read(*sizes: int, index: int | None = None) -> merkle.Subtree:
    """
    Read what roots and paths need that end at these sizes or lead to the leaf index, and return it.

    Whatever else is asked of it is a KeyError. sizes are above zero and within the tree.
    """
    edges = [size - 1 for size in sizes] + ([] if index is None else [index])
    found = _leaves(edges) | _nodes(edges, max(sizes))

    def subtree(start: int, end: int) -> bytes:
        width = end - start
        if width & (width - 1) or start % width:  # The ragged right edge.
            middle = start + merkle.split(width)
            return merkle.node_hash(subtree(start, middle), subtree(middle, end))
        height = width.bit_length() - 1
        level = height - height % LEVELS
        first, count = start >> level, 1 << (height - level)
        return merkle.complete_root([found[level, first + at] for at in range(count)])

    return subtree


def _leaves(edges: Sequence[int]) -> dict[tuple[int, int], bytes]:
    wanted = Q()
    for edge in edges:
        wanted |= Q(index__range=_block(edge))
    rows = Leaf.objects.filter(wanted).values_list("index", "hash")
    return {(0, index): bytes(digest) for index, digest in rows}


def _nodes(edges: Sequence[int], size: int) -> dict[tuple[int, int], bytes]:
    levels = [level for level in range(LEVELS, 64, LEVELS) if size >> level]
    if not levels:
        return {}
    wanted = Q()
    for level in levels:
        for edge in edges:
            wanted |= Q(level=level, index__range=_block(edge >> level))
    rows = Node.objects.filter(wanted).values_list("level", "index", "hash")
    return {(level, index): bytes(digest) for level, index, digest in rows}


def _block(index: int) -> tuple[int, int]:
    """Return the first and last of the 256 that index is among."""
    first = index & -WIDTH
    return first, first + WIDTH - 1
