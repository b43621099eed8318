"""Hostile statements, each with the guards that refuse it; test_guards.py runs them."""

from tests.wallet.attacks import (
    balances,
    checkpoints,
    entries,
    history,
    holds,
    kinds,
    transfers,
    wallets,
)

__all__ = [
    "balances",
    "checkpoints",
    "entries",
    "history",
    "holds",
    "kinds",
    "transfers",
    "wallets",
]
