"""Reads shaped for pages and for staff. No side effects; amounts in minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Sum

from nexapay.kernel import links
from onramp import banks
from onramp.models import BankAccount, BankEvent, OffRampTransaction, OnRampTransaction
from onramp.services.expiry import EXPIRED
from wallet import selectors as wallet_selectors
from wallet.models import Transfer


@dataclass(frozen=True)
class Tally:
    """How many on-ramps or off-ramps of one status and currency there are, and their sum."""

    status: str
    currency: str
    count: int
    amount_minor: int


def find(*, user_id: int, public_id: UUID) -> OnRampTransaction | None:
    """Return the on-ramp of that public id, if it is this person's."""
    return (
        OnRampTransaction.objects.owned_by(user_id)
        .select_related("wallet__balance", "transfer")
        .filter(public_id=public_id)
        .first()
    )


def find_withdrawal(*, user_id: int, public_id: UUID) -> OffRampTransaction | None:
    """Return the off-ramp of that public id, if it is this person's."""
    return (
        OffRampTransaction.objects.owned_by(user_id)
        .select_related(
            "wallet__balance", "account", "hold__transfer", "transfer", "return_transfer"
        )
        .filter(public_id=public_id)
        .first()
    )


_GAVE_BACK = [OffRampTransaction.Status.FAILURE, OffRampTransaction.Status.CANCELLED]
_LED_TO = {
    "hold": "hold__transfer__public_id",
    "payout": "transfer__public_id",
    "return": "return_transfer__public_id",
}


@wallet_selectors.add_story
def withdrawal_of(kind: str, public_id: UUID) -> str:
    """Return the address of the withdrawal that the transfer is a part of, if there is one."""
    if kind not in _LED_TO:
        return ""
    found = OffRampTransaction.objects.filter(**{_LED_TO[kind]: public_id})
    return _page_of(found.first())


@wallet_selectors.add_story
def withdrawal_given_back(kind: str, public_id: UUID) -> str:
    """Return the address of the withdrawal whose money the transfer released, if there is one."""
    if kind != Transfer.Kind.RELEASE.value:
        return ""
    released = Transfer.objects.get(public_id=public_id)
    ended = OffRampTransaction.objects.filter(
        wallet_id=released.source_id,
        amount_minor=released.amount_minor,
        status__in=_GAVE_BACK,
    )
    # Nothing in the books names the withdrawal but the release's key, which was made of its id.
    each = ended.order_by("-created_at").iterator()
    return _page_of(next((o for o in each if o.release_key == released.idempotency_key), None))


def _page_of(offramp: OffRampTransaction | None) -> str:
    return links.to("onramp:withdrawal", offramp.public_id) if offramp else ""


def receipts_of(offramp: OffRampTransaction) -> list[tuple[str, UUID]]:
    """Return what each movement of the withdrawal's money did, and its public id, in order."""
    moved: list[tuple[str, Transfer | None]] = [("Put on hold", offramp.hold.transfer)]
    if offramp.status in _GAVE_BACK:
        # By its key, which is of the house: one probe of the unique index.
        released = Transfer.objects.get(actor=None, idempotency_key=offramp.release_key)
        moved.append(("Released", released))
    moved += [("Paid out", offramp.transfer), ("Sent back", offramp.return_transfer)]
    return [(what, transfer.public_id) for what, transfer in moved if transfer]


def withdrawals(*, wallet_id: int, limit: int) -> Sequence[OffRampTransaction]:
    """Return the newest withdrawals of a wallet, with their accounts."""
    found = OffRampTransaction.objects.filter(wallet_id=wallet_id).select_related("account")
    return list(found.order_by("-created_at")[:limit])


def accounts(*, user_id: int) -> Sequence[BankAccount]:
    """Return the accounts that this person withdraws to, the newest first."""
    return list(BankAccount.objects.owned_by(user_id).order_by("-added_at", "-pk"))


def last_bank(*, wallet_id: int) -> str | None:
    """Return the code of the bank that was used last, if we still offer it."""
    newest = OnRampTransaction.objects.filter(wallet_id=wallet_id).order_by("-created_at")
    code = newest.values_list("bank", flat=True).first()
    return code if code in banks.CHOICES else None


def is_late(onramp: OnRampTransaction) -> bool:
    """Whether it failed because nobody approved it, or the bank was not heard of, in time."""
    return onramp.failure_reason in (EXPIRED, "not approved in time")


def is_doubted(payment: OnRampTransaction | OffRampTransaction) -> bool:
    """Whether its bank told of it, but not as it was asked for: staff look into that."""
    doubts = [BankEvent.Verdict.TERMS_DIFFER, BankEvent.Verdict.REFERENCE_TAKEN]
    return payment.events.filter(verdict__in=doubts).exists()


def is_slow(since: datetime, now: datetime) -> bool:
    """Whether a bank that has had it since then takes so long that we ask how it stands."""
    patience: timedelta = timedelta(seconds=settings.BANK_ASK_AFTER_S)
    return now >= since + patience


def may_continue(onramp: OnRampTransaction, now: datetime) -> bool:
    """Whether the way to the bank's page may lead anywhere: to pay twice is worse than to wait."""
    return onramp.is_processing and now < onramp.pay_before and not is_doubted(onramp)


def reason_in_words(onramp: OnRampTransaction) -> str:
    """Return why it failed, as a line for its owner."""
    if onramp.failure_reason == EXPIRED:
        return "We did not hear from the bank in time"
    return f"Reason given: {onramp.failure_reason}"


def by_status(of: type[OnRampTransaction | OffRampTransaction]) -> list[Tally]:
    """Return on-ramps or off-ramps counted by status and currency."""
    rows = (
        of._default_manager.order_by("status", "currency")
        .values_list("status", "currency")
        .annotate(Count("pk"), Sum("amount_minor"))
    )
    return [Tally(*row) for row in rows]


def given_up() -> int:
    """Return how many events the worker could not apply, and tries no more."""
    return BankEvent.objects.given_up().count()


def quarantined_by_verdict() -> list[tuple[str, str, int]]:
    """Return how many events nobody has looked at, for each verdict and its words."""
    rows = (
        BankEvent.objects.quarantined()
        .order_by("verdict")
        .values_list("verdict")
        .annotate(Count("pk"))
    )
    labels = dict(BankEvent.Verdict.choices)
    return [(verdict, str(labels[verdict]), count) for verdict, count in rows]
