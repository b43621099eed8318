"""NexaPay with Razorpay for a bank, on loopback."""

from collections.abc import Iterator
from typing import Any

import pytest

from onramp.banks import Bank, get_bank
from tests.onramp.razorpay.support import ACCOUNT, KEY_ID, KEY_SECRET, SECRET, Fake
from tests.simbank.support import serving


@pytest.fixture
def razorpay(settings: Any) -> Iterator[Fake]:
    """Serve it, and let NexaPay use it."""
    fake = Fake()
    settings.BANK = "razorpay"
    settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET = KEY_ID, KEY_SECRET
    settings.RAZORPAY_WEBHOOK_SECRETS = ["the-secret-before-this-one", SECRET]
    settings.RAZORPAY_ACCOUNT_NUMBER = ACCOUNT
    with serving(fake) as settings.BANK_API_URL:
        yield fake


@pytest.fixture
def bank(razorpay: Fake) -> Bank:
    """Return the adapter."""
    return get_bank()
