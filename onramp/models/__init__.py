"""
Money on its way in from a bank and out to one, and everything a bank has told us. Minor units.

What the database refuses by itself is in migrations 0002 to 0030; each of those guards has a test
in tests/onramp.
"""

from onramp.models.casework import BreakAct, Correction
from onramp.models.events import BankEvent, BankEventQuerySet
from onramp.models.offramps import (
    BankAccount,
    BankAccountQuerySet,
    OffRampTransaction,
    OffRampTransactionQuerySet,
    PayoutQuestion,
)
from onramp.models.onramps import (
    OnRampTransaction,
    OnRampTransactionQuerySet,
    Question,
)
from onramp.models.reconciled import OTHER_AMOUNT, Break, Statement, StatementLine
from onramp.models.reviews import EventReview

__all__ = [
    "OTHER_AMOUNT",
    "BankAccount",
    "BankAccountQuerySet",
    "BankEvent",
    "BankEventQuerySet",
    "Break",
    "BreakAct",
    "Correction",
    "EventReview",
    "OffRampTransaction",
    "OffRampTransactionQuerySet",
    "OnRampTransaction",
    "OnRampTransactionQuerySet",
    "PayoutQuestion",
    "Question",
    "Statement",
    "StatementLine",
]
