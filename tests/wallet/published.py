"""Checkpoints for tests: a key, and a head over whatever entries there are."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils import timezone
from pytest_django import Settings

from tests.wallet.forge import sql
from wallet import audit, checkpoints
from wallet.audit_tree import KeptHead
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


def problems(*kept: KeptHead) -> str:
    return "\n".join(map(str, audit.run(clock=timezone.now, heads=kept).findings))


def as_owner(*statements: str) -> None:
    """Do what only somebody with the keys of the database can do: write past every guard."""
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET session_replication_role = replica")
    for statement in statements:
        sql(statement)
    sql("SET session_replication_role = origin")


# Every transfer from this one on is taken back, with its entries, on-ramps and what balances say.
TAKE_BACK = (
    "DELETE FROM wallet_entry WHERE transfer_id >= {0}",
    "UPDATE onramp_onramptransaction SET status = 'failure', failure_reason = 'declined',"
    " transfer_id = NULL, bank_reference = NULL WHERE transfer_id >= {0}",
    "DELETE FROM wallet_transfer WHERE id >= {0}",
    """
    UPDATE wallet_balance b SET available_minor = coalesce(e.available_after_minor, 0),
      version = coalesce(e.version, 0), happened_at = e.happened_at,
      head_hash = coalesce(e.hash, decode(repeat('00', 32), 'hex'))
    FROM wallet_balance o LEFT JOIN LATERAL (
      SELECT * FROM wallet_entry WHERE wallet_id = o.wallet_id ORDER BY version DESC LIMIT 1
    ) e ON true
    WHERE b.wallet_id = o.wallet_id
    """,
)


def take_back_from(transfer: Transfer) -> None:
    as_owner(*(statement.format(transfer.pk) for statement in TAKE_BACK))
