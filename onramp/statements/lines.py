"""One line of a bank's statement, and the words that make one; strict about each of them."""

import re
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from django.utils import timezone

from nexapay.kernel import dates

MAX_BYTES = 128 * 2**20  # 100,000 lines of CAMT.053 are about 60 MB.
MAX_LINES = 250_000
MAX_MINOR = 10**15

# ASCII without spaces at its ends: it is compared, stored and shown to staff.
_REFERENCE = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_BANK = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ./-]{0,32}[A-Za-z0-9])?")
_CURRENCY = re.compile(r"[A-Z]{3}")
# The digits 0 to 9 alone: fromisoformat takes those of other scripts too.
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BadStatement(Exception):
    """A statement that cannot be trusted. The message completes "the statement …"."""


class Kind(StrEnum):
    """What a line is about, as far as the bank tells."""

    PAYMENT = "payment"
    PAYOUT = "payout"
    RETURN = "return"
    OTHER = "other"


class StatementLine(NamedTuple):
    """
    One booking: amount_minor minor units of currency, to our account (a credit) or from it.

    bank is the code of the account, as the bank writes it. token and reference are what we gave the
    bank, empty where it does not repeat them.
    """

    bank: str
    bank_reference: str
    token: str
    reference: str
    kind: Kind
    is_credit: bool
    amount_minor: int
    currency: str
    booked_at: datetime

    @property
    def signed_minor(self) -> int:
        """What it did to our account: below zero it left."""
        return self.amount_minor if self.is_credit else -self.amount_minor

    @property
    def booked_on(self) -> date:
        """The bank's booking day, which is what a statement is of."""
        return dates.day_of(self.booked_at)


def bank(said: str) -> str:
    """Return the account's code."""
    return _matched(_BANK, said, "an account").lower()


def reference(said: str) -> str:
    """Return a reference."""
    return _matched(_REFERENCE, said, "a reference")


def token(said: str) -> str:
    """Return the token that we gave."""
    return _matched(_TOKEN, said, "a token")


def is_token(said: str) -> bool:
    """Whether this could be a token of ours: 256 random bits."""
    return len(said) >= 43 and _TOKEN.fullmatch(said) is not None


def currency(said: str) -> str:
    """Return an ISO 4217 code."""
    return _matched(_CURRENCY, said, "a currency")


def kind(said: str) -> Kind:
    """Return what the line is about."""
    try:
        return Kind(said)
    except ValueError as error:
        raise BadStatement(f"has an unknown kind of line, {said[:16]!r}") from error


def amount(minor: int) -> int:
    """Return an amount in minor units, which is above zero and bounded."""
    if not 0 < minor <= MAX_MINOR:
        raise BadStatement("has an amount that is not above zero, or too large")
    return minor


def instant(said: str) -> datetime:
    """Return a time; one without a zone is of ours."""
    try:
        at = datetime.fromisoformat(_matched(_INSTANT, said, "a time"))
        known = at if at.tzinfo else timezone.make_aware(at)
        dates.day_of(known)  # The first and the last day there is have no neighbours.
    except (ValueError, OverflowError) as error:
        raise BadStatement("has a time that is not in the calendar") from error
    return known


def day(said: str) -> datetime:
    """Return the first instant of a day."""
    return instant(f"{_matched(_DAY, said, 'a day')}T00:00:00")


def _matched(form: re.Pattern[str], said: str, what: str) -> str:
    if not form.fullmatch(said):
        raise BadStatement(f"has {what} that is missing or malformed")
    return said
