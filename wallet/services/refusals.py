"""Why no money moved, in sentences for people."""

from typing import ClassVar


class TransferRefused(Exception):
    """No money moved. The message is for people; field is the form field it belongs to."""

    field: ClassVar[str | None] = None


class AmountOutOfRange(TransferRefused):
    """The amount is not positive, or above settings.TRANSFER_MAX_MINOR."""

    field = "amount"


class InsufficientFunds(TransferRefused):
    """The payer has less than that available."""

    field = "amount"


class SameWallet(TransferRefused):
    """Payer and payee are one."""

    field = "to"


class CurrencyMismatch(TransferRefused):
    """The two wallets hold different currencies."""

    field = "to"


class WalletFrozen(TransferRefused):
    """One of the wallets may not do this now."""


class HoldSpent(TransferRefused):
    """Less remains of the hold than that, or its time is over."""


class AlreadyUsed(TransferRefused):
    """The idempotency key stands for another act."""
