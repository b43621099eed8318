"""Signing the head of the tree and publishing it: in the database, and as a file beside it."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from nexapay.kernel import db
from wallet.checkpoints import growing, tree
from wallet.models import Checkpoint
from wallet.notes import Head, Signer

EVERY_MIN = 10
_log = structlog.get_logger("wallet.checkpoints")


class Forked(Exception):
    """The tree no longer begins with what was published. Nothing was signed."""


def publish(
    *,
    signer: Signer,
    now: datetime,
    progress: growing.Progress = lambda line: None,
    pause: Callable[[float], None] = time.sleep,
) -> Checkpoint | None:
    """
    Bring the tree up to date, sign its head, and return it; None while there are no entries.

    A head of the same size as the last is not published again: the last is returned.

    :raises Busy: if payments or another builder are in the way for too long.
    :raises Forked: if entries of the last head are not what they were.
    """
    growing.grow(progress=progress, pause=pause)
    newest = db.retrying(lambda: _sign(signer, now))
    if newest is not None:
        _copy_out(newest)
    return newest


@transaction.atomic
def _sign(signer: Signer, now: datetime) -> Checkpoint | None:
    growing.take_turn()
    last, size = Checkpoint.objects.order_by("-size").first(), tree.size()
    if size == 0 or (last and last.size == size):
        return last
    subtree = tree.read(size, *([last.size] if last else []))
    if last and subtree(0, last.size) != bytes(last.root):
        raise Forked(
            f"The tree no longer begins with the {last.size} entries that were published. "
            "Nothing was signed; run check_ledger."
        )
    head = Head(signer.name, size, subtree(0, size))
    return Checkpoint.objects.create(
        size=size,
        root=head.root,
        note=signer.sign(head.text),
        verifier=str(signer.verifier),
        created_at=now,
    )


def _copy_out(checkpoint: Checkpoint) -> None:
    """Keep the head outside the database as well; without a place for it that is logged."""
    folder = Path(settings.DATA_DIR) / "checkpoints"
    path = folder / f"{checkpoint.size:012d}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, checkpoint.note)
    except OSError as error:
        _log.error("checkpoint not copied", path=str(path), error=error.strerror)


def _write_once(path: Path, text: str) -> None:
    """Write a file whole or not at all, and never over another: that one may be evidence."""
    if path.exists():
        return
    draft = path.with_suffix(f".{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def next_due(now: datetime) -> datetime:
    """Return when the worker publishes next: every ten minutes, on the clock."""
    full = now.replace(minute=now.minute - now.minute % EVERY_MIN, second=0, microsecond=0)
    return full + timedelta(minutes=EVERY_MIN)
