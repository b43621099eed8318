"""Reads shaped for pages and for staff. No side effects; amounts in minor units."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Count,
    DateTimeField,
    F,
    Func,
    Q,
    QuerySet,
    Sum,
)

from nexapay.kernel import links
from nexapay.kernel.prepared import Call, Parameter, Prepared
from onramp import banks
from onramp.models import BankAccount, BankEvent, OffRampTransaction, OnRampTransaction
from onramp.services.expiry import EXPIRED
from wallet import selectors as wallet_selectors
from wallet.selectors import Filters, Key, Row

# Above every entry's version, so that no two rows of one instant in one wallet have one rank.
_RANK = 2**62
_SHOWN = {"failure": "failed", "processing": "processing"}


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
        .select_related("wallet__balance", "account", "transfer", "return_transfer")
        .filter(public_id=public_id)
        .first()
    )


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
    offramp_id = found.values_list("public_id", flat=True).first()
    return links.to("onramp:withdrawal", offramp_id) if offramp_id else ""


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


def reason_in_words(onramp: OnRampTransaction) -> str:
    """Return why it failed, as a line for its owner."""
    if onramp.failure_reason == EXPIRED:
        return "We did not hear from the bank in time"
    return f"Reason given: {onramp.failure_reason}"


_COLUMNS = ("created_at", "pk", "public_id", "status", "bank", "amount_minor", "currency")
_Lines = QuerySet[OnRampTransaction, tuple[Any, ...]]


@wallet_selectors.add_source
class Unfinished:
    """On-ramps that are processing or failed: those that succeeded have an entry."""

    def ask(self, wallet_id: int, before: Key, limit: int) -> Call:
        """Return what asks for all of them."""
        at, rank = before
        return _newest(limit), (wallet_id, at, rank - _RANK)

    def search(
        self, wallet_id: int, filters: Filters, before: Key, limit: int
    ) -> Iterable[tuple[Any, ...]]:
        """Return the columns of those that filters let through."""
        if filters.kind not in {"", "onramp"} or filters.direction not in {"", "in"}:
            return []
        at, rank = before
        return _filtered(_lines(wallet_id, at, rank - _RANK), filters)[:limit]

    def row(self, *columns: Any) -> Row:
        """Return one of them as its owner sees it."""
        return _row(*columns)


@lru_cache(maxsize=8)
def _newest(limit: int) -> Prepared:
    number = BigIntegerField()
    return Prepared(
        lambda: _lines(Parameter(number), Parameter(DateTimeField()), Parameter(number))[:limit]
    )


# The condition of the index onramp_unfinished_recent. Its value stands in the SQL itself: of a
# parameter PostgreSQL would not know, when it plans for every value, that the index fits.
_IS_UNFINISHED = Func(
    F("status"), template="NOT (%(expressions)s = 'success')", output_field=BooleanField()
)


def _lines(wallet_id: int | Parameter, at: datetime | Parameter, pk: int | Parameter) -> _Lines:
    found = OnRampTransaction.objects.filter(_IS_UNFINISHED, wallet_id=wallet_id)
    found = found.filter(created_at__lte=at).exclude(created_at=at, pk__gte=pk)
    return found.order_by("-created_at", "-pk").values_list(*_COLUMNS)


def _filtered(found: _Lines, filters: Filters) -> _Lines:
    if filters.status:
        statuses = [ours for ours, shown in _SHOWN.items() if shown == filters.status]
        found = found.filter(status__in=statuses)
    if since := filters.since:
        found = found.filter(created_at__gte=since)
    if until := filters.until:
        found = found.filter(created_at__lt=until)
    return found.filter(_matching(filters.q)) if filters.q else found


def _matching(q: str) -> Q:
    """Return a condition on the bank's name or our reference."""
    codes = [c.code for c in banks.CHOICES.values() if q.casefold() in c.name.casefold()]
    digits = q.upper().removeprefix("ONR-").replace("-", "").lower()
    condition = Q(bank__in=codes)
    if 4 <= len(digits) <= 8 and not digits.strip("0123456789abcdef"):
        condition |= Q(public_id__startswith=digits)
    return condition


def _row(
    at: datetime, pk: int, public_id: UUID, status: str, bank: str, minor: int, currency: str
) -> Row:
    failed = status == OnRampTransaction.Status.FAILURE
    return Row(
        at=at,
        rank=_RANK + pk,
        uid=public_id,
        url=links.to("onramp:detail", public_id),
        name=banks.name_of(bank),
        icon="landmark",
        is_person=False,
        verb="not added from" if failed else "being added from",
        note="Not added" if failed else "Adding",
        amount_minor=minor,
        currency=currency,
        status=_SHOWN[status],
    )


def by_status(of: type[OnRampTransaction | OffRampTransaction]) -> list[Tally]:
    """Return on-ramps or off-ramps counted by status and currency."""
    rows = (
        of._default_manager.order_by("status", "currency")
        .values_list("status", "currency")
        .annotate(Count("pk"), Sum("amount_minor"))
    )
    return [Tally(*row) for row in rows]


def quarantined_by_verdict() -> list[tuple[str, str, int]]:
    """Return how many events wait for staff, for each verdict and its words."""
    rows = (
        BankEvent.objects.filter(status=BankEvent.Status.QUARANTINED)
        .order_by("verdict")
        .values_list("verdict")
        .annotate(Count("pk"))
    )
    labels = dict(BankEvent.Verdict.choices)
    return [(verdict, str(labels[verdict]), count) for verdict, count in rows]
