"""
What can be done with on-ramps and off-ramps: keyword-only, HTTP-free, one act each.

Amounts are in minor units.
"""

from onramp.messages import Malformed
from onramp.services.accounts import AccountRefused, add_account, remove_account
from onramp.services.aftercare import ReviewRefused, apply_again, review_events
from onramp.services.asking import ask_about_onramps
from onramp.services.cases import (
    AlreadyDecided,
    AmountRefused,
    CaseRefused,
    NotCorrectable,
    NotTheSecond,
    approve_correction,
    assign_break,
    decline_correction,
    explain_break,
    note_on_break,
    propose_correction,
    remaining_minor,
)
from onramp.services.draining import apply_waiting_events
from onramp.services.expiry import expire_onramp
from onramp.services.inbox import MAX_BATCH, Busy, record_bank_event, record_bank_events
from onramp.services.judging import Answer, Delivery
from onramp.services.paying import (
    ask_about_withdrawals,
    submit_withdrawal,
    submit_withdrawals,
)
from onramp.services.reconciling import Given, days_due, fetch_statement, reconcile
from onramp.services.returns import ask_about_returns
from onramp.services.start import (
    AlreadyUsed,
    AmountOutOfRange,
    OnRampRefused,
    UnknownBank,
    WalletFrozen,
    start_onramp,
)
from onramp.services.waiting import APPLY, receive_bank_event, receive_bank_events
from onramp.services.withdrawing import (
    NotCancelled,
    WithdrawalRefused,
    cancel_withdrawal,
    request_withdrawal,
)

__all__ = [
    "APPLY",
    "MAX_BATCH",
    "AccountRefused",
    "AlreadyDecided",
    "AlreadyUsed",
    "AmountOutOfRange",
    "AmountRefused",
    "Answer",
    "Busy",
    "CaseRefused",
    "Delivery",
    "Given",
    "Malformed",
    "NotCancelled",
    "NotCorrectable",
    "NotTheSecond",
    "OnRampRefused",
    "ReviewRefused",
    "UnknownBank",
    "WalletFrozen",
    "WithdrawalRefused",
    "add_account",
    "apply_again",
    "apply_waiting_events",
    "approve_correction",
    "ask_about_onramps",
    "ask_about_returns",
    "ask_about_withdrawals",
    "assign_break",
    "cancel_withdrawal",
    "days_due",
    "decline_correction",
    "expire_onramp",
    "explain_break",
    "fetch_statement",
    "note_on_break",
    "propose_correction",
    "receive_bank_event",
    "receive_bank_events",
    "reconcile",
    "record_bank_event",
    "record_bank_events",
    "remaining_minor",
    "remove_account",
    "request_withdrawal",
    "review_events",
    "start_onramp",
    "submit_withdrawal",
    "submit_withdrawals",
]
