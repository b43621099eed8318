"""
Proving that nothing was taken from, added to or changed in what checkpoints have published.

Every head is compared with the tree as the entries give it now: the heads in the database, and
those that somebody kept elsewhere, which the owner of the database cannot take away.
"""

from collections.abc import Sequence
from itertools import islice, zip_longest
from typing import NamedTuple

from wallet.checkpoints import known_verifiers
from wallet.checkpoints.again import HashedAgain, Problem
from wallet.models import Checkpoint
from wallet.notes import BadNote, Head, Verifier, opened

TITLE = "what checkpoints published is still there, unchanged"


class KeptHead(NamedTuple):
    """A checkpoint that was kept elsewhere: where, and its note."""

    name: str
    note: str


def findings(kept: Sequence[KeptHead], *, limit: int) -> list[Problem]:
    """Return what is wrong, as (subject, problem): no more than limit about entries and tree."""
    heads, problems = _heads(kept)
    again = HashedAgain(sorted({head.size for _, head in heads}))
    problems += islice(again.problems(), limit)
    for name, head in heads:
        if head.size > again.size:
            left = f"covers {head.size} entries, of which the tree has {again.size}"
            problems.append((name, left))
        elif again.roots[head.size] != head.root:
            problems.append((name, "what it covers was changed, added to or taken from since"))
    return problems


def _heads(kept: Sequence[KeptHead]) -> tuple[list[tuple[str, Head]], list[Problem]]:
    """Return the heads that were signed in our name, by name, and what is wrong with others."""
    rows = list(Checkpoint.objects.order_by("size"))
    # Where no key is known, as in a process that only serves, the rows say whose they are.
    trusted = known_verifiers() or [Verifier.parse(text) for text in {row.verifier for row in rows}]
    heads, problems = [], []
    notes = [KeptHead(str(row), row.note) for row in rows]
    for (name, note), row in zip_longest([*notes, *kept], rows):
        try:
            head = Head.parse(opened(note, trusted))
        except BadNote as error:
            problems.append((name, f"its note {error}"))
            continue
        heads.append((name, head))
        if row and (head.size, head.root) != (row.size, bytes(row.root)):
            problems.append((name, "its note says another size or root"))
    return heads, problems
