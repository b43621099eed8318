"""The bank we use, what it must offer, and the banks people choose among."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from onramp import messages
from onramp.banks import razorpay_messages
from onramp.banks.choices import CHOICES, Choice, name_of
from onramp.banks.protocol import (
    Bank,
    BankAway,
    BankUnreachable,
    Forged,
    NoStatement,
    OddEventId,
    Payment,
    PaymentReport,
    PaymentState,
    Payout,
    PayoutRefused,
    PayoutReport,
    PayoutState,
)
from onramp.banks.razorpay import Razorpay
from onramp.banks.signatures import TOLERANCE_S
from onramp.banks.simbank import SimBank
from onramp.messages import Message, Passing, PayoutMessage

__all__ = [
    "CHOICES",
    "TOLERANCE_S",
    "Bank",
    "BankAway",
    "BankUnreachable",
    "Choice",
    "Forged",
    "NoStatement",
    "OddEventId",
    "Payment",
    "PaymentReport",
    "PaymentState",
    "Payout",
    "PayoutRefused",
    "PayoutReport",
    "PayoutState",
    "Razorpay",
    "SimBank",
    "get_bank",
    "name_of",
    "read_webhook",
]


# All others use our own form.
_READERS: dict[str, Callable[[bytes], Message | PayoutMessage | Passing]] = {
    Razorpay.name: razorpay_messages.read
}


def get_bank() -> Bank:
    """
    Return the bank that settings.BANK names.

    :raises ImproperlyConfigured: if there is none of that name.
    """
    if settings.BANK not in _ADAPTERS:
        allowed = " or ".join(_ADAPTERS)
        raise ImproperlyConfigured(f"BANK is {settings.BANK!r}; it must be {allowed}.")
    return _ADAPTERS[settings.BANK]()


def _simbank() -> Bank:
    return SimBank(
        api_url=settings.BANK_API_URL,
        api_key=settings.BANK_API_KEY,
        secrets=settings.BANK_WEBHOOK_SECRETS,
    )


def _razorpay() -> Bank:
    return Razorpay(
        api_url=settings.BANK_API_URL,
        key_id=settings.RAZORPAY_KEY_ID,
        key_secret=settings.RAZORPAY_KEY_SECRET,
        secrets=settings.RAZORPAY_WEBHOOK_SECRETS,
        account=settings.RAZORPAY_ACCOUNT_NUMBER,
    )


_ADAPTERS: dict[str, Callable[[], Bank]] = {SimBank.name: _simbank, Razorpay.name: _razorpay}


def read_webhook(bank: str, body: bytes) -> Message | PayoutMessage | Passing:
    """
    Return what a verified body says, in our words; bank is the name of the adapter it came by.

    It needs no adapter: what waits in the inbox is read, whichever bank is used by then.

    :raises Malformed: if it is not a message we know.
    """
    return _READERS.get(bank, messages.read)(body)
