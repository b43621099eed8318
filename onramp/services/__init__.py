"""What can be done with on-ramps. Keyword-only, HTTP-free, one act each; amounts in minor units."""

from onramp.messages import Malformed, SettlesNothing
from onramp.services.asking import ask_about_onramps
from onramp.services.expiry import expire_onramp
from onramp.services.inbox import MAX_BATCH, Busy, record_bank_event, record_bank_events
from onramp.services.judging import Answer, Delivery
from onramp.services.start import (
    AlreadyUsed,
    AmountOutOfRange,
    OnRampRefused,
    UnknownBank,
    WalletFrozen,
    start_onramp,
)

__all__ = [
    "MAX_BATCH",
    "AlreadyUsed",
    "AmountOutOfRange",
    "Answer",
    "Busy",
    "Delivery",
    "Malformed",
    "OnRampRefused",
    "SettlesNothing",
    "UnknownBank",
    "WalletFrozen",
    "ask_about_onramps",
    "expire_onramp",
    "record_bank_event",
    "record_bank_events",
    "start_onramp",
]
