"""Money on its way from and to banks, and what came to nothing, as rows of a wallet's history."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    BooleanField,
    DateTimeField,
    F,
    Func,
    Q,
    QuerySet,
)

from nexapay.kernel.prepared import Call, Parameter, Prepared
from onramp import banks
from onramp.models import OffRampTransaction, OnRampTransaction
from wallet import selectors as wallet_selectors
from wallet.selectors import Filters, Key, Row

# Above every entry's version, so that no two rows of one instant in one wallet have one rank.
_RANK = 2**62
_OUT_RANK = _RANK + 2**61
_SHOWN = {"failure": "failed", "processing": "processing"}
_SHOWN_LEAVING = {"requested": "processing", "submitted": "processing", "failure": "failed"}

_COLUMNS = ("created_at", "pk", "public_id", "status", "bank", "amount_minor", "currency")
_Lines = QuerySet[Any, tuple[Any, ...]]


@wallet_selectors.add_source
class Unfinished:
    """
    What is on its way or came to nothing.

    On-ramps always: they have an entry only once they succeeded. A withdrawal has one from the
    start, that of its hold; it is listed where filters leave that out, as neither processing nor
    leaving.
    """

    def ask(self, wallet_id: int, before: Key, limit: int) -> Call:
        """Return what asks for all of them."""
        at, rank = before
        return _newest(limit), (wallet_id, at, rank - _RANK)

    def search(
        self, wallet_id: int, filters: Filters, before: Key, limit: int
    ) -> Iterable[tuple[Any, ...]]:
        """Return the columns of those that filters let through."""
        at, rank = before
        found: list[tuple[Any, ...]] = []
        if filters.kind in {"", "onramp"} and filters.direction in {"", "in"}:
            found += _filtered(_lines(wallet_id, at, rank - _RANK), filters, _SHOWN)[:limit]
        hides_holds = filters.status or filters.kind == "payout" or filters.direction == "out"
        if hides_holds and filters.kind in {"", "payout"} and filters.direction in {"", "out"}:
            leaving = _leaving(wallet_id, at, rank - _OUT_RANK)
            found += _filtered(leaving, filters, _SHOWN_LEAVING)[:limit]
        return found

    def row(self, *columns: Any) -> Row:
        """Return one of them as its owner sees it: an amount below zero is to leave."""
        return _row(*columns) if columns[-2] > 0 else _row_leaving(*columns)


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


def _leaving(wallet_id: int, at: datetime, pk: int) -> _Lines:
    mine = OffRampTransaction.objects.filter(wallet_id=wallet_id, status__in=_SHOWN_LEAVING)
    found = mine.filter(created_at__lte=at)
    found = found.exclude(created_at=at, pk__gte=pk).order_by("-created_at", "-pk")
    return found.values_list(*_COLUMNS[:-2], -F("amount_minor"), "currency")


def _filtered(found: _Lines, filters: Filters, shown: Mapping[str, str]) -> _Lines:
    if filters.status:
        statuses = [ours for ours, status in shown.items() if status == filters.status]
        found = found.filter(status__in=statuses)
    if since := filters.since:
        found = found.filter(created_at__gte=since)
    if until := filters.until:
        found = found.filter(created_at__lt=until)
    return found.filter(_matching(filters.q)) if filters.q else found


def _matching(q: str) -> Q:
    """Return a condition on the bank's name or our reference."""
    codes = [c.code for c in banks.CHOICES.values() if q.casefold() in c.name.casefold()]
    digits = q.upper().removeprefix("ONR-").removeprefix("OFR-").replace("-", "").lower()
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
        page="onramp:detail",
        name=banks.name_of(bank),
        icon="landmark",
        is_person=False,
        verb="not added from" if failed else "being added from",
        note="Not added" if failed else "Adding",
        amount_minor=minor,
        currency=currency,
        status=_SHOWN[status],
    )


def _row_leaving(
    at: datetime, pk: int, public_id: UUID, status: str, bank: str, minor: int, currency: str
) -> Row:
    failed = status == OffRampTransaction.Status.FAILURE
    return Row(
        at=at,
        rank=_OUT_RANK + pk,
        uid=public_id,
        page="onramp:withdrawal",
        name=banks.name_of(bank),
        icon="landmark",
        is_person=False,
        verb="not withdrawn to" if failed else "being withdrawn to",
        note="Not withdrawn" if failed else "Withdrawing",
        amount_minor=minor,
        currency=currency,
        status=_SHOWN_LEAVING[status],
    )
