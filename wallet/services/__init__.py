"""What can be done with money. Keyword-only, HTTP-free, one act each; amounts in minor units."""

from nexapay.kernel.db import Busy
from wallet.services.crediting import Credit, credit_all_from_bank, credit_from_bank
from wallet.services.refusals import (
    AlreadyUsed,
    AmountOutOfRange,
    CurrencyMismatch,
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
    "InsufficientFunds",
    "SameWallet",
    "TransferRefused",
    "WalletFrozen",
    "credit_all_from_bank",
    "credit_from_bank",
    "open_wallet",
    "send_money",
    "set_status",
    "settlement_wallet",
]
