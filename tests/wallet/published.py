"""Checkpoints for tests: a key, and a head over whatever entries there are."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils import timezone
from pytest_django import Settings

from tests.wallet.forge import sql
from wallet import checkpoints
from wallet.models import Checkpoint, Entry, Leaf, Transfer, Wallet

KEY = bytes(range(32))


def may_sign(settings: Settings, folder: Path) -> None:
    """Give this process a key, and a place for copies of heads."""
    settings.CHECKPOINT_KEY = KEY
    settings.DATA_DIR = folder


def publish() -> Checkpoint:
    """Publish a head over every entry."""
    head = checkpoints.publish(signer=checkpoints.signer(), now=timezone.now())
    assert head is not None
    return head


def entry_of(transfer: Transfer, wallet: Wallet) -> Entry:
    """Return what the transfer did to the wallet."""
    return Entry.objects.select_related("transfer", "leaf").get(transfer=transfer, wallet=wallet)


def proof_of(entry: Entry) -> dict[str, Any]:
    """Return the proof as it reaches a person: through JSON."""
    document: dict[str, Any] = json.loads(json.dumps(checkpoints.receipt_proof(entry)))
    return document


def stretch(leaves: int) -> None:
    """Make the tree larger than its entries: leaves that stand for nothing, for the sizes alone."""
    have, last = Leaf.objects.count(), Entry.objects.order_by("-pk").values_list("pk").first()
    sql("SET session_replication_role = replica")
    sql(
        "INSERT INTO wallet_leaf (index, entry_id, nonce, hash)"
        " SELECT i, %s + i + 1, gen_random_uuid(), sha256(int8send(i))"
        " FROM generate_series(%s::bigint, %s::bigint) i",
        last[0] if last else 0,
        have,
        leaves - 1,
    )
    sql("SET session_replication_role = origin")


def leaf_hashes() -> Sequence[bytes]:
    """Return every leaf of the tree."""
    return [bytes(row) for row in Leaf.objects.order_by("index").values_list("hash", flat=True)]
