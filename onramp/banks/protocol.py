"""What a bank must offer us: its messages, its refusals, and the calls themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What we ask a bank to take from its customer. amount_minor is in minor units of currency."""

    token: str
    amount_minor: int
    currency: str
    bank: str
    reference: str
    expires_at: datetime
    return_url: str


class PaymentState(StrEnum):
    """How a payment stands at the bank. UNKNOWN: the bank says that it never saw it."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class PaymentReport:
    """A bank's answer about a payment; all but state is None where the bank never saw it."""

    state: PaymentState
    amount_minor: int | None = None
    currency: str | None = None
    bank_reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Payout:
    """What we ask a bank to pay to an account. amount_minor is in minor units of currency."""

    token: str
    amount_minor: int
    currency: str
    bank: str
    account_holder: str
    account_number: str
    reference: str


class PayoutState(StrEnum):
    """How a payout stands. RETURNED comes after SUCCEEDED: the other bank sent the money back."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True)
class PayoutReport:
    """A bank's answer about a payout; all but state is None where the bank never saw it."""

    state: PayoutState
    amount_minor: int | None = None
    currency: str | None = None
    bank_reference: str | None = None
    reason: str | None = None


class Verified(NamedTuple):
    """A webhook that a bank signed: its event's id, and by what name we know the key."""

    event_id: str
    key_id: str


class BankUnreachable(Exception):
    """The bank did not answer as agreed. Whether it took what we asked is unknown; ask again."""


class BankAway(BankUnreachable):
    """Nothing came at all, or not in time: it may be the bank, and not this one question."""


class PayoutRefused(Exception):
    """The bank said no: it did not take the payout and never will. The text is the bank's."""


class NoStatement(Exception):
    """This bank publishes none that we could fetch; one may come as a file."""


class Forged(Exception):
    """Nothing proves that the bank sent this."""


class OddEventId(Exception):
    """The bank sent it, under an event id that we cannot keep."""


class Bank(Protocol):
    """A way to reach banks. An adapter may speak for many."""

    name: str
    # The headers that prove a webhook, in lower case: they are kept with its body.
    proof: tuple[str, ...]

    def create_payment(self, payment: Payment) -> str:
        """
        Make the payment known to the bank, once for each token; return where it is approved.

        :raises BankUnreachable: if the bank did not say that it knows the payment.
        """

    def query_payment(self, *, token: str) -> PaymentReport:
        """
        Ask how a payment stands. UNKNOWN is the bank's word, never our guess.

        :raises BankUnreachable: if there was no answer, or none that makes sense.
        """

    def create_payout(self, payout: Payout) -> PayoutReport:
        """
        Have the bank pay, once for each token, however often it is asked; return how it stands.

        :raises BankUnreachable: if it is unknown whether the bank took it: ask with query_payout.
        :raises PayoutRefused: if the bank said no and, asked again, knows nothing of it.
        """

    def query_payout(self, *, token: str) -> PayoutReport:
        """
        Ask how a payout stands. UNKNOWN is the bank's word, never our guess.

        :raises BankUnreachable: if there was no answer, or none that makes sense.
        """

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """
        Return the event's id and the key's, if the bank signed this body and it is not old.

        :raises Forged: if it did not.
        :raises OddEventId: if it did, under an id of odd characters or over 128 of them.
        """

    def statement(self, *, day: date, format: str) -> bytes:
        """
        Return what the bank booked on a day, in one of onramp.statements.FORMATS.

        :raises BankUnreachable: if there was no answer, or one that is too large.
        :raises NoStatement: if it publishes none.
        """
