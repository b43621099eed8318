"""What people are told of, as rows of a page and in sentences. Amounts in minor units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from accounts.models import Notice
from nexapay.kernel import cursors, links, money

PAGE_SIZE = 20
_Kind = Notice.Kind


class _Telling(NamedTuple):
    """How one kind is told. {who} and {amount} are the other side and the amount."""

    name: str  # Whom the row is about, where that is not the other side.
    said: str
    status: str
    sign: int
    sentence: str
    more: str
    page: str = "wallet:receipt"  # The page that shows its subject.


_TELLINGS = {
    _Kind.RECEIVED: _Telling(
        name="",
        said="Paid you",
        status="complete",
        sign=1,
        sentence="{who} sent you {amount}",
        more="It is in your wallet.",
    ),
    _Kind.ADDED: _Telling(
        name="",
        said="Added",
        status="complete",
        sign=1,
        sentence="{amount} added from {who}",
        more="It is in your wallet.",
    ),
    _Kind.ADD_FAILED: _Telling(
        name="Your bank",
        said="Not added",
        status="failed",
        sign=1,
        sentence="{amount} was not added",
        more="Your bank did not confirm it, and nothing was added to your wallet.",
        page="onramp:detail",
    ),
    _Kind.WITHDRAWN: _Telling(
        name="",
        said="Withdrawn",
        status="complete",
        sign=-1,
        sentence="{amount} withdrawn to {who}",
        more="Your bank has it.",
    ),
    _Kind.WITHDRAW_FAILED: _Telling(
        name="Your bank",
        said="Not withdrawn",
        status="failed",
        sign=-1,
        sentence="{amount} was not withdrawn",
        more="It did not reach your bank, and is back in your wallet.",
        page="onramp:withdrawal",
    ),
    _Kind.RETURNED: _Telling(
        name="",
        said="Came back",
        status="returned",
        sign=1,
        sentence="{amount} came back from {who}",
        more="It is in your wallet again.",
    ),
    _Kind.CORRECTED_UP: _Telling(
        name="Correction by NexaPay",
        said="Added",
        status="complete",
        sign=1,
        sentence="We added {amount} to put a mistake right",
        more="Your bank's records and ours had differed. The receipt says what it was for.",
    ),
    _Kind.CORRECTED_DOWN: _Telling(
        name="Correction by NexaPay",
        said="Taken back",
        status="complete",
        sign=-1,
        sentence="We took {amount} back to put a mistake right",
        more="Your bank's records and ours had differed. The receipt says what it was for.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One notice, ready to be shown. amount_minor is signed: below zero left."""

    subject: UUID
    url: str
    name: str
    is_person: bool
    said: str
    at: datetime
    amount_minor: int
    currency: str
    status: str
    is_unread: bool


@dataclass(frozen=True)
class Page:
    """Rows newest first, and the cursor of the next page, empty at the end."""

    rows: Sequence[Row]
    next_cursor: str


def page(*, user_id: int, cursor: str = "") -> Page:
    """
    Return the page of a person's notices that begins after cursor.

    :raises BadCursor: if the cursor is not one of ours.
    """
    at, rank = cursors.decode(cursor) if cursor else cursors.END
    found = Notice.objects.filter(user_id=user_id, happened_at__lte=at)
    found = found.exclude(happened_at=at, pk__gte=rank).order_by("-happened_at", "-pk")
    shown = list(found[: PAGE_SIZE + 1])
    more = len(shown) > PAGE_SIZE
    last = shown[PAGE_SIZE - 1] if more else None
    next_cursor = cursors.encode((last.happened_at, last.pk)) if last else ""
    return Page([_row(notice) for notice in shown[:PAGE_SIZE]], next_cursor)


def _row(notice: Notice) -> Row:
    telling = _TELLINGS[_Kind(notice.kind)]
    return Row(
        subject=notice.subject,
        url=url(notice),
        name=telling.name or notice.who,
        is_person=notice.kind == _Kind.RECEIVED,
        said=telling.said,
        at=notice.happened_at,
        amount_minor=notice.amount_minor * telling.sign,
        currency=notice.currency,
        status=telling.status,
        is_unread=notice.read_at is None,
    )


def url(notice: Notice) -> str:
    """Return the address of what is told of."""
    return links.to(_TELLINGS[_Kind(notice.kind)].page, notice.subject)


def sentence(notice: Notice) -> str:
    """Say it in one line, without a full stop: Kabir Mehta sent you ₹1,240.00."""
    amount = money.format(notice.amount_minor, notice.currency)
    said = _TELLINGS[_Kind(notice.kind)].sentence
    # Not str.format: who is called {amount} is called so.
    words = {"{who}": notice.who, "{amount}": amount}
    return " ".join(words.get(word, word) for word in said.split())


def more(notice: Notice) -> str:
    """Say what it means for the wallet."""
    return _TELLINGS[_Kind(notice.kind)].more
