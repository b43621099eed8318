"""The bank we use, what it must offer, and the banks people choose among."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from onramp import messages
from onramp.banks.choices import CHOICES, Choice, name_of
from onramp.banks.protocol import (
    Bank,
    BankUnreachable,
    Forged,
    OddEventId,
    Payment,
    PaymentReport,
    PaymentState,
    Payout,
    PayoutRefused,
    PayoutReport,
    PayoutState,
)
from onramp.banks.signatures import TOLERANCE_S
from onramp.banks.simbank import SimBank
from onramp.messages import Message

__all__ = [
    "CHOICES",
    "TOLERANCE_S",
    "Bank",
    "BankUnreachable",
    "Choice",
    "Forged",
    "OddEventId",
    "Payment",
    "PaymentReport",
    "PaymentState",
    "Payout",
    "PayoutRefused",
    "PayoutReport",
    "PayoutState",
    "SimBank",
    "get_bank",
    "name_of",
    "read_webhook",
]


_READERS: dict[str, Callable[[bytes], Message]] = {}  # All others use our own form.


def get_bank() -> Bank:
    """
    Return the bank that settings.BANK names.

    :raises ImproperlyConfigured: if there is none of that name.
    """
    if settings.BANK != "simbank":
        raise ImproperlyConfigured(f"BANK is {settings.BANK!r}; it must be simbank.")
    return SimBank(
        api_url=settings.BANK_API_URL,
        api_key=settings.BANK_API_KEY,
        secrets=settings.BANK_WEBHOOK_SECRETS,
    )


def read_webhook(bank: str, body: bytes) -> Message:
    """
    Return what a verified body says, in our words; bank is the name of the adapter it came by.

    It needs no adapter: what waits in the inbox is read, whichever bank is used by then.

    :raises Malformed: if it is not a message we know.
    """
    return _READERS.get(bank, messages.read)(body)
