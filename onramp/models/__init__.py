"""
Money on its way in from a bank and out to one, and everything a bank has told us. Minor units.

What the database refuses by itself is in migrations 0002 to 0009; each of those guards has a test
in tests/onramp.
"""

from onramp.models.offramps import (
    BankAccount,
    BankAccountQuerySet,
    OffRampTransaction,
    OffRampTransactionQuerySet,
    PayoutQuestion,
)
from onramp.models.onramps import (
    BankEvent,
    OnRampTransaction,
    OnRampTransactionQuerySet,
    Question,
)

__all__ = [
    "BankAccount",
    "BankAccountQuerySet",
    "BankEvent",
    "OffRampTransaction",
    "OffRampTransactionQuerySet",
    "OnRampTransaction",
    "OnRampTransactionQuerySet",
    "PayoutQuestion",
    "Question",
]
