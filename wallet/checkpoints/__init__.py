"""
A Merkle tree over all entries, its signed heads, and what can be proved with them.

The tree grows by batches (growing), its head is signed and published (publishing), and any entry
or older head is proved to be in it (proofs). docs/proof.md says what that proves, and what not.
"""

from wallet.checkpoints.growing import grow, settled_cut
from wallet.checkpoints.keys import NoKey, known_verifiers, signer
from wallet.checkpoints.proofs import consistency, entry_of, receipt_proof
from wallet.checkpoints.publishing import EVERY_MIN, Forked, next_due, publish

__all__ = [
    "EVERY_MIN",
    "Forked",
    "NoKey",
    "consistency",
    "entry_of",
    "grow",
    "known_verifiers",
    "next_due",
    "publish",
    "receipt_proof",
    "settled_cut",
    "signer",
]
