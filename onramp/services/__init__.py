"""What can be done with on-ramps. Keyword-only, HTTP-free, one act each; amounts in minor units."""

from onramp.messages import Malformed
from onramp.services.expiry import expire_onramps
from onramp.services.inbox import Answer, Busy, record_bank_event
from onramp.services.start import (
    AlreadyUsed,
    AmountOutOfRange,
    OnRampRefused,
    UnknownBank,
    WalletFrozen,
    start_onramp,
)

__all__ = [
    "AlreadyUsed",
    "AmountOutOfRange",
    "Answer",
    "Busy",
    "Malformed",
    "OnRampRefused",
    "UnknownBank",
    "WalletFrozen",
    "expire_onramps",
    "record_bank_event",
    "start_onramp",
]
