"""Reads shaped for pages. No side effects; amounts in minor units."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import selectors as accounts
from accounts.models import User
from wallet import activity
from wallet.activity import Filters, Page, Row, add_source, page
from wallet.audit import add_check
from wallet.models import Entry, LedgerCheck, Transfer, Wallet
from wallet.primary import primary_wallet

__all__ = [
    "Difference",
    "Filters",
    "Page",
    "Person",
    "Row",
    "Total",
    "add_check",
    "add_source",
    "balance_line",
    "differences",
    "find_payee",
    "last_check",
    "page",
    "people_in",
    "primary_wallet",
    "receipt",
    "reference",
    "sent_with",
    "totals",
]


_REFERENCE = "NXP-"


class Person(NamedTuple):
    """Somebody this wallet has dealt with."""

    name: str
    handle: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """One movement as its owner sees it. amount_minor is signed: below zero left."""

    row: Row
    transfer: Transfer
    reference: str
    balance_before_minor: int
    balance_after_minor: int


def find_payee(*, text: str, currency: str) -> tuple[User | None, Wallet | None]:
    """Return the person that text names, and the wallet that payments in currency reach."""
    payable = Wallet.objects.filter(kind=Wallet.Kind.USER, currency=currency)
    for people in accounts.named(text=text):
        if wallet := payable.filter(owner__in=people).select_related("owner").first():
            return wallet.owner, wallet
        if person := people.first():
            return person, None
    return None, None


def balance_line(*, wallet: Wallet, days: int, now: datetime) -> list[int]:
    """
    Return what the wallet held in all at the end of each of the last days days, today last.

    One index probe for each day, however long the history.
    """
    today = timezone.localdate(now)
    ends = [
        timezone.make_aware(datetime.combine(today - timedelta(days=back), time.min))
        for back in range(days - 2, -2, -1)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE_LINE, [wallet.pk, ends])
        return [held for (held,) in cursor.fetchall()]


_BALANCE_LINE = """
SELECT coalesce((
  SELECT e.available_after_minor + e.locked_after_minor FROM wallet_entry e
  WHERE e.wallet_id = %s AND e.happened_at < day.ends
  ORDER BY e.happened_at DESC, e.version DESC LIMIT 1), 0)
FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS day (ends, place) ORDER BY day.place
"""


def receipt(*, wallet_ids: Sequence[int], public_id: UUID) -> Receipt | None:
    """Return the movement with that public id, if it is one of these wallets'."""
    entry = _entries().filter(transfer__public_id=public_id, wallet_id__in=wallet_ids).first()
    if entry is None:
        return None
    after = (entry.available_after_minor or 0) + (entry.locked_after_minor or 0)
    return Receipt(
        row=_row(entry),
        transfer=entry.transfer,
        reference=reference(entry.transfer.public_id),
        balance_before_minor=after - entry.delta_minor,
        balance_after_minor=after,
    )


def reference(public_id: UUID) -> str:
    """Return what people may read to one another: NXP-41AD-77C2-10F8."""
    digits = public_id.hex[:12].upper()
    return f"{_REFERENCE}{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def people_in(rows: Sequence[Row], *, limit: int) -> list[Person]:
    """Return the different people in these rows, in their order."""
    people = [Person(row.name, row.handle) for row in rows if row.is_person]
    return list(dict.fromkeys(people))[:limit]


def sent_with(*, actor_id: int, key: UUID) -> Transfer | None:
    """Return what this person sent with that idempotency key, if they did."""
    return Transfer.objects.filter(actor_id=actor_id, idempotency_key=key).first()


@activity.add_source
def entries(
    wallet_id: int, filters: Filters, before: tuple[datetime, int] | None, limit: int
) -> list[Row]:
    """Return the wallet's entries as rows of its history."""
    if filters.status not in {"", "complete"}:
        return []
    found = _filtered(_entries().filter(wallet_id=wallet_id), wallet_id, filters)
    if before:
        at, rank = before
        # No OR: the first condition is a range of the index, the second trims one instant.
        found = found.filter(happened_at__lte=at).exclude(happened_at=at, version__gte=rank)
    return [_row(entry) for entry in found.order_by("-happened_at", "-version")[:limit]]


def _entries() -> QuerySet[Entry]:
    return Entry.objects.select_related("transfer__source__owner", "transfer__target__owner")


def _filtered(found: QuerySet[Entry], wallet_id: int, filters: Filters) -> QuerySet[Entry]:
    if filters.kind:
        found = found.filter(transfer__kind=filters.kind)
    if filters.direction == "in":
        found = found.filter(delta_available_minor__gt=0)
    elif filters.direction == "out":
        found = found.filter(delta_available_minor__lt=0)
    if since := filters.since:
        found = found.filter(happened_at__gte=since)
    if until := filters.until:
        found = found.filter(happened_at__lt=until)
    return found.filter(_matching(wallet_id, filters.q)) if filters.q else found


def _matching(wallet_id: int, q: str) -> Q:
    """Return a condition on the note, the other side's name or handle, or the reference."""
    meant = _public_ids(q)
    if meant and q.upper().startswith(_REFERENCE):
        return Q(transfer__public_id__range=meant)  # Alone, so that an index answers it.
    condition = Q(transfer__note__icontains=q)
    for side in ("source", "target"):
        other = Q(**{f"transfer__{side}__name__icontains": q})
        other |= Q(**{f"transfer__{side}__owner__name__icontains": q})
        other |= Q(**{f"transfer__{side}__owner__handle": q.removeprefix("@").lower()})
        # Our own name is on every row, so it says nothing.
        condition |= other & ~Q(**{f"transfer__{side}": wallet_id})
    return condition | Q(transfer__public_id__range=meant) if meant else condition


def _public_ids(q: str) -> tuple[UUID, UUID] | None:
    """Return the first and last public id that the reference q may stand for, if it is one."""
    digits = q.upper().removeprefix(_REFERENCE).replace("-", "")
    if not re.fullmatch(r"[0-9A-F]{4,12}", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "F"))


def _row(entry: Entry) -> Row:
    """Return the entry as a line of its owner's history."""
    transfer = entry.transfer
    is_in = entry.delta_minor > 0
    other = transfer.source if is_in else transfer.target
    person = other.owner
    return Row(
        at=entry.happened_at,
        rank=entry.version or 0,
        uid=transfer.public_id,
        url=reverse("wallet:receipt", args=[transfer.public_id]),
        name=person.name if person else other.name,
        handle=person.handle if person else "",
        icon="" if person else "landmark",
        is_person=person is not None,
        verb=_VERBS[transfer.kind, is_in],
        note=transfer.note or ("" if person else "Added"),
        amount_minor=entry.delta_minor,
        currency=entry.currency,
        status="complete",
        balance_after_minor=(entry.available_after_minor or 0) + (entry.locked_after_minor or 0),
    )


_VERBS = {
    (Transfer.Kind.SEND.value, True): "received from",
    (Transfer.Kind.SEND.value, False): "sent to",
    (Transfer.Kind.ONRAMP.value, True): "added from",
    (Transfer.Kind.ONRAMP.value, False): "taken back by",
}


@dataclass(frozen=True)
class Total:
    """What the wallets of one kind and currency hold in all."""

    kind: str
    currency: str
    wallets: int
    held_minor: int

    @property
    def label(self) -> str:
        """The kind in words."""
        return str(Wallet.Kind(self.kind).label)


@dataclass(frozen=True)
class Difference:
    """What is held here against what banks brought in, in one currency; they sum to zero."""

    currency: str
    ours_minor: int
    banks_minor: int

    @property
    def sum_minor(self) -> int:
        """Zero, or the books are wrong."""
        return self.ours_minor + self.banks_minor


def totals() -> list[Total]:
    """Return what each kind of wallet holds: balances, or entries where none is kept."""
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS)
        return [Total(*row) for row in cursor.fetchall()]


def differences(of: Sequence[Total]) -> list[Difference]:
    """Return settlement against everybody else, for each currency."""
    sums: dict[str, list[int]] = {}
    for total in of:
        is_bank = total.kind == Wallet.Kind.SETTLEMENT
        sums.setdefault(total.currency, [0, 0])[is_bank] += total.held_minor
    return [Difference(currency, *pair) for currency, pair in sums.items()]


def last_check() -> LedgerCheck | None:
    """Return the newest run of check_ledger."""
    return LedgerCheck.objects.order_by("-finished_at").first()


_TOTALS = """
SELECT w.kind, w.currency, count(*)::bigint, coalesce(sum(held), 0)::bigint
FROM wallet_wallet w
LEFT JOIN (
  SELECT wallet_id, available_minor + locked_minor AS held FROM wallet_balance
  UNION ALL
  SELECT e.wallet_id, sum(e.delta_available_minor + e.delta_locked_minor)
  FROM wallet_entry e JOIN wallet_wallet s ON s.id = e.wallet_id AND NOT s.tracks_balance
  GROUP BY e.wallet_id
) sums ON sums.wallet_id = w.id
GROUP BY w.kind, w.currency ORDER BY w.currency, w.kind
"""
