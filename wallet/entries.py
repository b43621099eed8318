"""The wallet's entries, as rows of its history."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, DateTimeField, F, Q, QuerySet

from nexapay.kernel import ids
from nexapay.kernel.cursors import END, Key
from nexapay.kernel.prepared import Call, Parameter, Prepared
from wallet.activity import Filters, Row, add_source
from wallet.models import Entry, Transfer

REFERENCE = "NXP-"
_Side = tuple[str, str | None, str | None]  # A wallet's name, and its owner's name and handle.


class Line(NamedTuple):
    """What a row needs of an entry, of its transfer and of both sides; in the order of _COLUMNS."""

    at: datetime
    version: int | None
    delta_available_minor: int
    delta_locked_minor: int
    available_after_minor: int | None
    locked_after_minor: int | None
    currency: str
    public_id: UUID
    kind: str
    note: str
    source: str
    source_person: str | None
    source_handle: str | None
    target: str
    target_person: str | None
    target_handle: str | None

    @property
    def delta_minor(self) -> int:
        """What the wallet's total changed by."""
        return self.delta_available_minor + self.delta_locked_minor

    @property
    def payer(self) -> _Side:
        """Whose money it was."""
        return self.source, self.source_person, self.source_handle

    @property
    def payee(self) -> _Side:
        """Who got it."""
        return self.target, self.target_person, self.target_handle

    @property
    def after_minor(self) -> int:
        """What the wallet held in all after it."""
        return (self.available_after_minor or 0) + (self.locked_after_minor or 0)


_COLUMNS = (
    *("happened_at", "version", "delta_available_minor", "delta_locked_minor"),
    *("available_after_minor", "locked_after_minor", "currency"),
    *("transfer__public_id", "transfer__kind", "transfer__note"),
    *("transfer__source__name", "transfer__source__owner__name", "transfer__source__owner__handle"),
    *("transfer__target__name", "transfer__target__owner__name", "transfer__target__owner__handle"),
)
_Lines = QuerySet[Entry, tuple[Any, ...]]


@add_source
class Entries:
    """Every entry is complete: what is still on its way, or came to nothing, has none."""

    def ask(self, wallet_id: int, before: Key, limit: int) -> Call:
        """Return what asks for all of them."""
        if before == END:
            return _newest(limit), (wallet_id,)
        return _older(limit), (wallet_id, *before)

    def search(
        self, wallet_id: int, filters: Filters, before: Key, limit: int
    ) -> Iterable[tuple[Any, ...]]:
        """Return the columns of those that filters let through."""
        if filters.status not in {"", "complete"}:
            return []
        return _filtered(_before(_lines(wallet_id), *before), wallet_id, filters)[:limit]

    def row(self, *columns: Any) -> Row:
        """Return one of them as its owner sees it."""
        return row(Line(*columns))


def one(*, wallet_ids: Sequence[int], public_id: UUID) -> Line | None:
    """Return what the transfer with that public id did to one of these wallets."""
    found = Entry.objects.filter(transfer__public_id=public_id, wallet_id__in=wallet_ids)
    columns = found.values_list(*_COLUMNS).first()
    return Line(*columns) if columns else None


# What tells more about a movement: given its kind and public id, the address of a page, or nothing.
Story = Callable[[str, UUID], str]
_STORIES: list[Story] = []


def add_story(story: Story) -> Story:
    """Let an app lead from a receipt to its own page about the same money."""
    _STORIES.append(story)
    return story


def story_of(line: Line) -> str:
    """Return the address of the page that tells more about it; empty where there is none."""
    if line.kind not in _OF_THE_HOUSE:
        return ""
    return next(filter(None, (story(line.kind, line.public_id) for story in _STORIES)), "")


def row(line: Line) -> Row:
    """Return the entry as a line of its owner's history."""
    if words := _OF_THE_HOUSE.get(line.kind):
        return _own_row(line, words)
    is_in = line.delta_minor > 0
    name, person, handle = line.payer if is_in else line.payee
    is_person = person is not None
    return Row(
        at=line.at,
        rank=line.version or 0,
        uid=line.public_id,
        page="wallet:receipt",
        name=person or name,
        handle=handle or "",
        icon="" if is_person else "landmark",
        is_person=is_person,
        verb=_VERBS[line.kind, is_in],
        note=line.note or ("" if is_person else "Added"),
        amount_minor=line.delta_minor,
        currency=line.currency,
        status="complete",
        balance_after_minor=line.after_minor,
    )


_VERBS = {
    (Transfer.Kind.SEND.value, True): "received from",
    (Transfer.Kind.SEND.value, False): "sent to",
    (Transfer.Kind.ONRAMP.value, True): "added from",
    (Transfer.Kind.ONRAMP.value, False): "taken back by",
}


class _Words(NamedTuple):
    """How a row that no other person is part of is told. note stands where none was written."""

    icon: str
    verb: str
    note: str


_OF_THE_HOUSE = {
    Transfer.Kind.HOLD.value: _Words("lock", "set aside for", "On hold"),
    Transfer.Kind.RELEASE.value: _Words("undo-2", "released from", "Released"),
    Transfer.Kind.PAYOUT.value: _Words("landmark", "withdrawn to", "Withdrawn"),
    Transfer.Kind.RETURN.value: _Words("undo-2", "returned by", "Returned by the bank"),
    Transfer.Kind.CORRECTION.value: _Words("pencil", "", ""),
}
_CORRECTION = "Correction by NexaPay"  # Whole, as a name: the bank behind it is not its author.


def _own_row(line: Line, words: _Words) -> Row:
    """Return a row between a wallet and a bank; the transfer's note names the account there."""
    is_inside = line.delta_minor == 0
    bank = "" if is_inside else (line.payer if line.delta_minor > 0 else line.payee)[0]
    is_named = line.kind != Transfer.Kind.CORRECTION.value
    return Row(
        at=line.at,
        rank=line.version or 0,
        uid=line.public_id,
        page="wallet:receipt",
        name=(line.note or bank or "Your wallet") if is_named else _CORRECTION,
        icon=words.icon,
        is_person=False,
        verb=words.verb,
        note=words.note if is_named else line.note or words.note,
        amount_minor=abs(line.delta_locked_minor) if is_inside else line.delta_minor,
        currency=line.currency,
        status="complete",
        balance_after_minor=line.after_minor,
        is_inside=is_inside,
    )


@lru_cache(maxsize=8)
def _newest(limit: int) -> Prepared:
    # Without a range whose end is unknown, one plan is as good for every wallet, and it is kept.
    return Prepared(lambda: _lines(Parameter(BigIntegerField()))[:limit])


@lru_cache(maxsize=8)
def _older(limit: int) -> Prepared:
    number = BigIntegerField()
    return Prepared(
        lambda: _before(_lines(Parameter(number)), Parameter(DateTimeField()), Parameter(number))[
            :limit
        ]
    )


def _lines(wallet_id: int | Parameter) -> _Lines:
    found = Entry.objects.filter(wallet_id=wallet_id)
    return found.order_by("-happened_at", "-version").values_list(*_COLUMNS)


def _before(found: _Lines, at: datetime | Parameter, rank: int | Parameter) -> _Lines:
    # No OR: the first condition is a range of the index, the second trims one instant.
    return found.filter(happened_at__lte=at).exclude(happened_at=at, version__gte=rank)


def _filtered(found: _Lines, wallet_id: int, filters: Filters) -> _Lines:
    if filters.kind:
        found = found.filter(transfer__kind=filters.kind)
    # What the total changed by: money that was only locked or released neither came nor left.
    if filters.direction == "in":
        found = found.filter(delta_available_minor__gt=-F("delta_locked_minor"))
    elif filters.direction == "out":
        found = found.filter(delta_available_minor__lt=-F("delta_locked_minor"))
    if since := filters.since:
        found = found.filter(happened_at__gte=since)
    if until := filters.until:
        found = found.filter(happened_at__lt=until)
    return found.filter(_matching(wallet_id, filters.q)) if filters.q else found


def _matching(wallet_id: int, q: str) -> Q:
    """Return a condition on the note, the other side's name or handle, or the reference."""
    meant = ids.said(q, REFERENCE)
    if meant and q.upper().startswith(REFERENCE):
        return Q(transfer__public_id__range=meant)  # Alone, so that an index answers it.
    condition = Q(transfer__note__icontains=q)
    for side in ("source", "target"):
        other = Q(**{f"transfer__{side}__name__icontains": q})
        other |= Q(**{f"transfer__{side}__owner__name__icontains": q})
        other |= Q(**{f"transfer__{side}__owner__handle": q.removeprefix("@").lower()})
        # Our own name is on every row, so it says nothing.
        condition |= other & ~Q(**{f"transfer__{side}": wallet_id})
    return condition | Q(transfer__public_id__range=meant) if meant else condition
