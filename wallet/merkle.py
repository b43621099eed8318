"""
Merkle trees as RFC 6962 hashes them and RFC 9162 (2.1.3, 2.1.4) proves things with them.

Bytes only: no database, no format. A tree is known by the hashes of its leaves, in order; a
Subtree gives the root over leaves start..end (end excluded), however it is kept.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

Subtree = Callable[[int, int], bytes]
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf. Its prefix keeps a node from being passed off as a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.push(leaf)
    return frontier.root()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes, level by level."""
    while len(hashes) > 1:
        hashes = [node_hash(a, b) for a, b in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def kept_in(leaves: Sequence[bytes]) -> Subtree:
    """Return the subtrees of a tree whose leaf hashes are all at hand."""
    return lambda start, end: root(leaves[start:end])


def split(size: int) -> int:
    """Return the largest power of two below size: how many leaves stand left of the root."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """
    Return the hashes that lead from leaf index to the root over size leaves, its sibling first.

    :raises ValueError: if there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """
    Return the hashes that show the first old of new leaves to be a tree of their own.

    :raises ValueError: unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"{old} leaves are no beginning of {new}")
    path, start, end, is_whole = [], 0, new, True
    while old < end:
        middle = start + split(end - start)
        if old <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start, is_whole = middle, False
    # The old root itself is known to whoever checks; a part of it is not.
    return ([] if is_whole else [subtree(start, end)]) + path[::-1]


def includes(*, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the path leads from this leaf hash, at this index, to the root over size."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at % 2 or at == last:
            found = node_hash(step, found)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    *, old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether the path shows that the tree of new leaves begins with that of old leaves."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = [old_root, *path] if old & (old - 1) == 0 else [*path]
    if not steps:
        return False
    at, last = old - 1, new - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    left = both = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            left, both = node_hash(step, left), node_hash(step, both)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            both = node_hash(both, step)
        at, last = at >> 1, last >> 1
    return last == 0 and left == old_root and both == new_root


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, largest first."""

    def __init__(self) -> None:
        self.pushed = 0
        self._roots: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        """Add one more leaf, or one more complete subtree where all are of one size."""
        self._roots.append(leaf)
        self.pushed += 1
        for _ in range((self.pushed & -self.pushed).bit_length() - 1):
            right = self._roots.pop()
            self._roots[-1] = node_hash(self._roots[-1], right)

    def root(self, tail: bytes | None = None) -> bytes:
        """Return the root over all that was pushed, and over a smaller subtree after it."""
        roots = [*self._roots, *([] if tail is None else [tail])]
        if not roots:
            return EMPTY_ROOT
        found = roots.pop()
        while roots:
            found = node_hash(roots.pop(), found)
        return found
