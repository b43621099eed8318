"""
What we booked on a day, for the merchant: as CSV, or as CAMT.053 (ISO 20022, version 8).

Streamed, and the same to the byte whenever it is asked for once the day is over: then, and not
before, it says what each account held at its beginning and at its end. A day is ours: it begins at
midnight in settings.TIME_ZONE.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import F, QuerySet, Sum, Value
from django.utils import timezone
from django.utils.html import escape

from nexapay.kernel import dates, money
from onramp.simbank.models import Payment, Payout

_CHUNK = 500
_HEADER = "bank,bank_reference,token,reference,kind,direction,amount_minor,currency,booked_at\n"
_MOST_END_TO_END = 35  # What the standard allows an EndToEndId.
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


_Account = tuple[str, str]  # A brand and a currency.


class _Booking(NamedTuple):
    """Money that moved on a merchant's account. amount_minor is in minor units of currency."""

    brand: str
    currency: str
    booked_at: datetime
    bank_reference: str
    token: str
    reference: str
    kind: str
    is_credit: bool
    amount_minor: int


def csv(day: date) -> Iterator[str]:
    """Yield the day's statement as CSV; nothing in it needs a quote."""
    yield _HEADER
    count = 0
    moved: set[_Account] = set()
    for b in _bookings(day):
        count += 1
        moved.add((b.brand, b.currency))
        direction = "credit" if b.is_credit else "debit"
        yield (
            f"{b.brand},{b.bank_reference},{b.token},{b.reference},{b.kind},{direction},"
            f"{b.amount_minor},{b.currency},{b.booked_at.isoformat()}\n"
        )
    for account, (opening, closing) in sorted(_balances(day).items()):
        if account in moved:
            yield f"balance,{','.join(account)},{opening},{closing}\n"
    yield f"end,{count}\n"


def camt053(day: date) -> Iterator[str]:
    """Yield the day's statement as CAMT.053: a Stmt for each account that moved."""
    _, ends = _bounds(day)
    made_at = dates.here(ends).isoformat()
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>SIMBANK-{day}</MsgId><CreDtTm>{made_at}</CreDtTm></GrpHdr>\n"
    )
    balances = _balances(day)
    for (brand, currency), booked in groupby(_bookings(day), lambda b: (b.brand, b.currency)):
        yield (
            f"<Stmt><Id>{brand}-{currency}-{day}</Id><CreDtTm>{made_at}</CreDtTm>"
            f"<Acct><Id><Othr><Id>{brand}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>\n"
        )
        yield from _bal(day, currency, balances.get((brand, currency)))
        yield from map(_entry, booked)
        yield "</Stmt>\n"
    yield "</BkToCstmrStmt></Document>\n"


FORMATS: dict[str, tuple[str, Callable[[date], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", csv),
    "camt053": ("application/xml", camt053),
}


def _bal(day: date, currency: str, held: tuple[int, int] | None) -> Iterator[str]:
    """Yield the opening and the closing balance, booked; nothing while the day goes on."""
    for code, minor in zip(("OPBD", "CLBD"), held or (), strict=False):
        yield (
            f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
            f'<Amt Ccy="{currency}">{money.plain(abs(minor), currency)}</Amt>'
            f"<CdtDbtInd>{'DBIT' if minor < 0 else 'CRDT'}</CdtDbtInd>"
            f"<Dt><Dt>{day}</Dt></Dt></Bal>\n"
        )


def _entry(b: _Booking) -> str:
    reference = b.reference if len(b.reference) <= _MOST_END_TO_END else "NOTPROVIDED"
    reversal = "<RvslInd>true</RvslInd>" if b.kind == "return" else ""
    return (
        f"<Ntry><NtryRef>{b.bank_reference}</NtryRef>"
        f'<Amt Ccy="{b.currency}">{money.plain(b.amount_minor, b.currency)}</Amt>'
        f"<CdtDbtInd>{'CRDT' if b.is_credit else 'DBIT'}</CdtDbtInd>{reversal}"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>{b.booked_at.isoformat()}</DtTm></BookgDt>"
        f"<AcctSvcrRef>{b.bank_reference}</AcctSvcrRef>"
        f"<BkTxCd><Prtry><Cd>{b.kind}</Cd></Prtry></BkTxCd><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{escape(reference)}</EndToEndId></Refs>"
        f"<RmtInf><Ustrd>{b.token}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
    )


class _Kind(NamedTuple):
    """What we book: which rows, at which of their times, and if it is to the merchant."""

    name: str
    found: QuerySet[Any]
    at: str
    is_credit: bool


def _kinds() -> list[_Kind]:
    paid = Payment.objects.filter(status=Payment.Status.APPROVED)
    returned = Payout.objects.filter(status=Payout.Status.RETURNED)
    sent = Payout.objects.filter(status__in=[Payout.Status.SUCCEEDED, Payout.Status.RETURNED])
    return [
        _Kind("payment", paid, "decided_at", is_credit=True),
        _Kind("payout", sent, "decided_at", is_credit=False),
        _Kind("return", returned, "returned_at", is_credit=True),
    ]


def _bookings(day: date) -> Iterator[_Booking]:
    """Yield what was booked that day, by account and then by time, a few hundred in memory."""
    first, *others = (_rows(kind, *_bounds(day)) for kind in _kinds())
    found = first.union(*others, all=True)
    found = found.order_by("brand", "currency", "booked_at", "bank_reference")
    yield from map(_Booking._make, found.iterator(chunk_size=_CHUNK))


def _rows(kind: _Kind, since: datetime, until: datetime) -> QuerySet[Any, tuple[Any, ...]]:
    then = kind.found.filter(**{f"{kind.at}__gte": since, f"{kind.at}__lt": until})
    said = {
        "booked_at": F(kind.at),
        "kind": Value(kind.name),
        "is_credit": Value(kind.is_credit),
    }
    rows: QuerySet[Any, tuple[Any, ...]] = then.annotate(**said).values_list(*_Booking._fields)
    return rows


def _balances(day: date) -> dict[_Account, tuple[int, int]]:
    """Return what each account held at the day's ends; of a day that goes on, nothing."""
    since, until = _bounds(day)
    if timezone.now() < until:
        return {}
    opening, closing = _held(since), _held(until)
    return {account: (opening[account], closing[account]) for account in closing}


def _held(before: datetime) -> Counter[_Account]:
    """Return the sum of all that was booked on each account until then."""
    held: Counter[_Account] = Counter()
    for kind in _kinds():
        booked = kind.found.filter(**{f"{kind.at}__lt": before}).order_by()
        sums = booked.values_list("brand", "currency").annotate(Sum("amount_minor"))
        for brand, currency, minor in sums:
            held[brand, currency] += minor if kind.is_credit else -minor
    return held


def _bounds(day: date) -> tuple[datetime, datetime]:
    """Return the day's first instant, and the next day's."""
    return dates.midnight(day), dates.midnight(day + timedelta(days=1))
