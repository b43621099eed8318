"""
What a person has. Amounts are BIGINT minor units; the currency stands beside every one of them.

Rows of money are written by wallet/journal.py alone. What the database refuses by itself is in
migrations 0002 to 0018; each of those guards has a test that takes it away.
"""

from wallet.models.checkpoints import Checkpoint, Leaf, Node
from wallet.models.checks import LedgerCheck
from wallet.models.holds import Hold, HoldQuerySet
from wallet.models.transfers import Entry, Transfer
from wallet.models.wallets import Balance, Wallet, WalletQuerySet

__all__ = [
    "Balance",
    "Checkpoint",
    "Entry",
    "Hold",
    "HoldQuerySet",
    "Leaf",
    "LedgerCheck",
    "Node",
    "Transfer",
    "Wallet",
    "WalletQuerySet",
]
