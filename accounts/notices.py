"""What people are told of, as rows of a page and in sentences. Amounts in minor units."""

import re
from collections.abc import Mapping, Sequence
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

    said: str
    status: str
    sign: int
    sentence: str
    more: str
    page: str = "wallet:receipt"  # The page that shows its subject.
    is_by_code: bool = False  # The other side is a bank, and stored by its code.
    name: str = ""  # Whom the row is about, where that is not the other side.


_TELLINGS = {
    _Kind.RECEIVED: _Telling(
        said="Paid you",
        status="complete",
        sign=1,
        sentence="{who} sent you {amount}",
        more="It is in your wallet.",
    ),
    _Kind.ADDED: _Telling(
        said="Added",
        status="complete",
        sign=1,
        sentence="{amount} added from {who}",
        more="It is in your wallet.",
    ),
    _Kind.ADD_FAILED: _Telling(
        said="Not added",
        status="failed",
        sign=1,
        sentence="{amount} was not added from {who}",
        more="Nothing was added to your wallet: {who} did not confirm it.",
        page="onramp:detail",
        is_by_code=True,
    ),
    _Kind.WITHDRAWN: _Telling(
        said="Withdrawn",
        status="complete",
        sign=-1,
        sentence="{amount} withdrawn to {who}",
        more="{who} has it.",
    ),
    _Kind.WITHDRAW_FAILED: _Telling(
        said="Not withdrawn",
        status="failed",
        sign=-1,
        sentence="{amount} was not withdrawn to {who}",
        more="It did not reach {who}, and is back in your wallet.",
        page="onramp:withdrawal",
        is_by_code=True,
    ),
    _Kind.RETURNED: _Telling(
        said="Came back",
        status="returned",
        sign=1,
        sentence="{amount} came back from {who}",
        more="It is in your wallet again.",
    ),
    _Kind.CORRECTED_UP: _Telling(
        said="Added",
        status="complete",
        sign=1,
        sentence="We added {amount} to put a mistake right",
        more="Your bank's records and ours had differed. The receipt says what it was for.",
        name="Correction by NexaPay",
    ),
    _Kind.CORRECTED_DOWN: _Telling(
        said="Taken back",
        status="complete",
        sign=-1,
        sentence="We took {amount} back to put a mistake right",
        more="Your bank's records and ours had differed. The receipt says what it was for.",
        name="Correction by NexaPay",
    ),
}


_BANKS: dict[str, str] = {}


def name_banks(names: Mapping[str, str]) -> None:
    """Let the app that knows banks say how they are called, by their codes."""
    _BANKS.update(names)


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
        name=telling.name or _who(notice) or "Your bank",
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
    return _filled(_TELLINGS[_Kind(notice.kind)].sentence, notice)


def more(notice: Notice) -> str:
    """Say what it means for the wallet."""
    return _filled(_TELLINGS[_Kind(notice.kind)].more, notice)


def _filled(said: str, notice: Notice) -> str:
    words = {
        "{who}": _who(notice) or "your bank",
        "{amount}": money.format(notice.amount_minor, notice.currency),
    }
    # Not str.format: who is called {amount} is called so.
    return re.sub(r"\{who\}|\{amount\}", lambda found: words[found[0]], said)


def _who(notice: Notice) -> str:
    """Return the other side's name; empty where a bank was not noted, as it once was not."""
    if _TELLINGS[_Kind(notice.kind)].is_by_code:
        return _BANKS.get(notice.who, notice.who)
    return notice.who
