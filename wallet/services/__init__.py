"""What can be done with money. Keyword-only, HTTP-free, one act each; amounts in minor units."""

from nexapay.kernel.db import Busy
from wallet.journal import credit_statement
from wallet.services.correcting import correct
from wallet.services.crediting import (
    Credit,
    credit_all_from_bank,
    credit_from_bank,
    credits_with_commit,
)
from wallet.services.holding import capture_hold, expire_holds, hold, release_hold
from wallet.services.refusals import (
    AlreadyUsed,
    AmountOutOfRange,
    CurrencyMismatch,
    HoldSpent,
    InsufficientFunds,
    SameWallet,
    TransferRefused,
    WalletFrozen,
)
from wallet.services.sending import send_money
from wallet.services.wallets import open_wallet, set_status, settlement_wallet

__all__ = [
    "AlreadyUsed",
    "AmountOutOfRange",
    "Busy",
    "Credit",
    "CurrencyMismatch",
    "HoldSpent",
    "InsufficientFunds",
    "SameWallet",
    "TransferRefused",
    "WalletFrozen",
    "capture_hold",
    "correct",
    "credit_all_from_bank",
    "credit_from_bank",
    "credit_statement",
    "credits_with_commit",
    "expire_holds",
    "hold",
    "open_wallet",
    "release_hold",
    "send_money",
    "set_status",
    "settlement_wallet",
]
