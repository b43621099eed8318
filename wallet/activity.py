"""
The history of a wallet: movements from several sources, merged newest first, in pages by keyset.

Entries are one source. Apps above add others (an on-ramp that is processing or failed moved no
money and has no entry). A page reads limit + 1 rows from each source by index, so the thousandth
page costs what the first does.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import starmap
from typing import Any, Protocol, TypeVar
from uuid import UUID

from nexapay.kernel import cursors, dates, links
from nexapay.kernel.cursors import Key
from nexapay.kernel.prepared import Call, together

PAGE_SIZE = 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One line of the history, ready to be shown. amount_minor is signed: below zero left.

    What moved inside the wallet (is_inside), to be locked or back, neither came nor left.
    """

    at: datetime
    rank: int
    uid: UUID
    page: str
    name: str
    icon: str
    is_person: bool
    verb: str
    note: str
    amount_minor: int
    currency: str
    status: str
    balance_after_minor: int | None = None
    handle: str = ""
    is_inside: bool = False

    @property
    def url(self) -> str:
        """The address of its page, by name: of the rows that are read, not all are shown."""
        return links.to(self.page, self.uid)

    @property
    def key(self) -> Key:
        """Where the row stands: by time, then by rank, which is unique among rows of one time."""
        return (self.at, self.rank)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What to show; empty means everything."""

    kind: str = ""
    direction: str = ""
    status: str = ""
    q: str = ""
    from_on: date | None = None
    to_on: date | None = None

    @property
    def since(self) -> datetime | None:
        """The first instant of from_on, here."""
        return dates.midnight(self.from_on) if self.from_on else None

    @property
    def until(self) -> datetime | None:
        """The first instant after to_on, here."""
        return dates.midnight(self.to_on + timedelta(days=1)) if self.to_on else None

    def __bool__(self) -> bool:
        return any((self.kind, self.direction, self.status, self.q, self.from_on, self.to_on))


@dataclass(frozen=True)
class Page:
    """Rows newest first, and the cursor of the next page, empty at the end."""

    rows: Sequence[Row]
    next_cursor: str


class Source(Protocol):
    """
    One kind of movement. Its rows are read as columns, at most limit, newest first.

    Each row's key is below before.
    """

    def ask(self, wallet_id: int, before: Key, limit: int) -> Call:
        """Return the query of all of them: what nearly everybody looks at, so it is prepared."""

    def search(
        self, wallet_id: int, filters: Filters, before: Key, limit: int
    ) -> Iterable[tuple[Any, ...]]:
        """Return those that filters let through."""

    def row(self, *columns: Any) -> Row:
        """Return one of them, ready to be shown."""


_SOURCES: list[Source] = []
_S = TypeVar("_S", bound=type[Source])


def add_source(source: _S) -> _S:
    """Let an app show its own rows in the history."""
    _SOURCES.append(source())
    return source


def page(
    *, wallet_id: int, filters: Filters | None = None, cursor: str = "", size: int = PAGE_SIZE
) -> Page:
    """
    Return the page of the wallet's history that begins after cursor.

    :raises BadCursor: if the cursor is not one of ours.
    """
    before = cursors.decode(cursor) if cursor else cursors.END
    found = _read(wallet_id, filters or Filters(), before, size + 1)
    rows = sorted(found, key=_key, reverse=True)
    more = len(rows) > size
    return Page(rows[:size], cursors.encode(rows[size - 1].key) if more else "")


def _read(wallet_id: int, filters: Filters, before: Key, limit: int) -> Iterator[Row]:
    """Yield the rows of every source; unfiltered, all are asked in one round trip."""
    found: Iterable[Iterable[tuple[Any, ...]]]
    if filters:
        found = [source.search(wallet_id, filters, before, limit) for source in _SOURCES]
    else:
        found = together(*[source.ask(wallet_id, before, limit) for source in _SOURCES])
    for source, lines in zip(_SOURCES, found, strict=True):
        yield from starmap(source.row, lines)


def _key(row: Row) -> Key:
    return row.key
