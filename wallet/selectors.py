"""Reads shaped for pages. No side effects; amounts in minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts import selectors as accounts
from accounts.models import User
from nexapay.kernel import dates, db, money
from nexapay.kernel.cursors import Key
from nexapay.kernel.prepared import Prepared
from wallet import entries
from wallet.activity import Filters, Page, Row, add_source, page
from wallet.audit import add_check
from wallet.entries import add_story
from wallet.models import LedgerCheck, Transfer, Wallet
from wallet.primary import primary_wallet

__all__ = [
    "Difference",
    "Filters",
    "Key",
    "Page",
    "Person",
    "Row",
    "Total",
    "add_check",
    "add_source",
    "add_story",
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


class Person(NamedTuple):
    """Somebody this wallet has dealt with."""

    name: str
    handle: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """
    One movement as its owner sees it. note is what a person wrote, row.note what is shown.

    before and after are of the whole balance, or of what is available where only that changed.
    """

    row: Row
    kind: str
    note: str
    reference: str
    balance_before_minor: int
    balance_after_minor: int
    story_url: str


def find_payee(*, text: str, currency: str) -> tuple[User | None, Wallet | None]:
    """Return the person that text names, and the wallet that payments in currency reach."""
    payable = Wallet.objects.filter(kind=Wallet.Kind.USER, currency=currency)
    for people in accounts.named(text=text):
        if wallet := payable.filter(owner__in=people).select_related("owner").first():
            return wallet.owner, wallet
        if person := people.first():
            return person, None
    return None, None


def balance_in_words(wallet: Wallet) -> str:
    """Say what can be spent and, where money is on hold, how much is and what there is in all."""
    held, currency = wallet.balance, wallet.currency
    said = f"You have {money.format(held.available_minor, currency)} available"
    if not held.locked_minor:
        return said
    locked, total = (money.format(n, currency) for n in (held.locked_minor, held.total_minor))
    return f"{said}, {locked} on hold, {total} in all"


def balance_line(*, wallet: Wallet, days: int, now: datetime) -> list[int]:
    """
    Return what the wallet held in all at the end of each of the last days days, today last.

    One index probe for each day, however long the history.
    """
    today = dates.day_of(now)
    ends = [dates.midnight(today - timedelta(days=back)) for back in range(days - 2, -2, -1)]
    return [held for (held,) in _BALANCE_LINE.rows(wallet.pk, ends)]


_BALANCE_LINE = Prepared("""
SELECT coalesce((
  SELECT e.available_after_minor + e.locked_after_minor FROM wallet_entry e
  WHERE e.wallet_id = %s AND e.happened_at < day.ends
  ORDER BY e.happened_at DESC, e.version DESC LIMIT 1), 0)
FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS day (ends, place) ORDER BY day.place
""")


def receipt(*, wallet_ids: Sequence[int], public_id: UUID) -> Receipt | None:
    """Return the movement with that public id, if it is one of these wallets'."""
    line = entries.one(wallet_ids=wallet_ids, public_id=public_id)
    if line is None:
        return None
    row = entries.row(line)
    after_minor, delta_minor = line.after_minor, line.delta_minor
    if row.is_inside:
        after_minor, delta_minor = line.available_after_minor or 0, line.delta_available_minor
    return Receipt(
        row=row,
        kind=line.kind,
        note=line.note if row.is_person else "",
        reference=reference(line.public_id),
        balance_before_minor=after_minor - delta_minor,
        balance_after_minor=after_minor,
        story_url=entries.story_of(line),
    )


def reference(public_id: UUID) -> str:
    """Return what people may read to one another: NXP-41AD-77C2-10F8."""
    digits = public_id.hex[:12].upper()
    return f"{entries.REFERENCE}{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def people_in(rows: Sequence[Row], *, limit: int) -> list[Person]:
    """Return the different people in these rows, in their order."""
    people = [Person(row.name, row.handle) for row in rows if row.is_person]
    return list(dict.fromkeys(people))[:limit]


def sent_with(*, actor_id: int, key: UUID) -> Transfer | None:
    """Return what this person sent with that idempotency key, if they did."""
    return Transfer.objects.filter(actor_id=actor_id, idempotency_key=key).first()


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
    with db.whole_tables(), connection.cursor() as cursor:
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
