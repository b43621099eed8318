"""
Proofs, as documents of JSON that docs/verify_receipt.py checks without us.

Hashes and nonces are hex, path elements base64 (as in checkpoints), times ISO 8601 in UTC with all
six digits, amounts minor units. A document holds nothing that is not hashed.
"""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from wallet import merkle
from wallet.checkpoints import tree
from wallet.models import Checkpoint, Entry, Leaf, Transfer

RECEIPT, CONSISTENCY = "nexapay-receipt-proof-1", "nexapay-consistency-proof-1"


def entry_of(*, wallet_id: int, public_id: UUID) -> Entry | None:
    """Return what that movement did to this wallet, with its transfer and its leaf in the tree."""
    found = Entry.objects.select_related("transfer", "leaf")
    return found.filter(transfer__public_id=public_id, wallet_id=wallet_id).first()


def receipt_proof(entry: Entry) -> dict[str, Any] | None:
    """Return the proof that the newest checkpoint covers the entry; None while none does."""
    leaf: Leaf | None = getattr(entry, "leaf", None)
    head = Checkpoint.objects.order_by("-size").first()
    if leaf is None or head is None or leaf.index >= head.size:
        return None
    subtree = tree.read(head.size, index=leaf.index)
    return {
        "format": RECEIPT,
        "transfer": _transfer(entry.transfer),
        "entry": _entry(entry),
        "leaf": {"index": leaf.index, "nonce": leaf.nonce.hex},
        "path": _encoded(merkle.inclusion_path(leaf.index, head.size, subtree)),
        "checkpoint": head.note,
    }


def consistency(*, old: Checkpoint, new: Checkpoint) -> dict[str, Any]:
    """
    Return the proof that what new covers begins with what old covers.

    :raises ValueError: if old covers more.
    """
    subtree = tree.read(old.size, new.size)
    return {
        "format": CONSISTENCY,
        "from": old.note,
        "to": new.note,
        "path": _encoded(merkle.consistency_path(old.size, new.size, subtree)),
    }


def _transfer(transfer: Transfer) -> dict[str, Any]:
    """Return what the transfer's fingerprint is made of (wallet/journal.py)."""
    return {
        "kind": transfer.kind,
        "source_wallet": transfer.source_id,
        "target_wallet": transfer.target_id,
        "amount_minor": transfer.amount_minor,
        "currency": transfer.currency,
        "actor": transfer.actor_id,
        "idempotency_key": str(transfer.idempotency_key),
        "note": transfer.note,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    """Return what the entry's own hash is made of, but for the fingerprint."""
    return {
        "previous_hash": bytes(entry.prev_hash).hex(),
        "transfer": str(entry.transfer.public_id),
        "wallet": entry.wallet_id,
        "currency": entry.currency,
        "version": entry.version,
        "delta_available_minor": entry.delta_available_minor,
        "delta_locked_minor": entry.delta_locked_minor,
        "available_after_minor": entry.available_after_minor,
        "locked_after_minor": entry.locked_after_minor,
        "happened_at": _instant(entry.happened_at),
        "posted_at": _instant(entry.created_at),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _encoded(path: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(digest).decode() for digest in path]
