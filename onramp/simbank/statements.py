"""
What we booked on a day, for the merchant: as CSV, or as CAMT.053 (ISO 20022, version 8).

Streamed, and the same to the byte whenever it is asked for once the day is over. A day is ours: it
begins at midnight in settings.TIME_ZONE.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import F, QuerySet, Value
from django.utils import timezone
from django.utils.html import escape

from nexapay.kernel import money
from onramp.simbank.models import Payment, Payout

_CHUNK = 500
_HEADER = "bank,bank_reference,token,reference,kind,direction,amount_minor,currency,booked_at\n"
_MOST_END_TO_END = 35  # What the standard allows an EndToEndId.
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


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
    for b in _bookings(day):
        count += 1
        direction = "credit" if b.is_credit else "debit"
        yield (
            f"{b.brand},{b.bank_reference},{b.token},{b.reference},{b.kind},{direction},"
            f"{b.amount_minor},{b.currency},{b.booked_at.isoformat()}\n"
        )
    yield f"end,{count}\n"


def camt053(day: date) -> Iterator[str]:
    """Yield the day's statement as CAMT.053: a Stmt for each account that moved."""
    _, ends = _bounds(day)
    made_at = timezone.localtime(ends).isoformat()
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>SIMBANK-{day}</MsgId><CreDtTm>{made_at}</CreDtTm></GrpHdr>\n"
    )
    for (brand, currency), booked in groupby(_bookings(day), lambda b: (b.brand, b.currency)):
        yield (
            f"<Stmt><Id>{brand}-{currency}-{day}</Id><CreDtTm>{made_at}</CreDtTm>"
            f"<Acct><Id><Othr><Id>{brand}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>\n"
        )
        yield from map(_entry, booked)
        yield "</Stmt>\n"
    yield "</BkToCstmrStmt></Document>\n"


FORMATS: dict[str, tuple[str, Callable[[date], Iterator[str]]]] = {
    "csv": ("text/csv; charset=utf-8", csv),
    "camt053": ("application/xml", camt053),
}


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


def _bookings(day: date) -> Iterator[_Booking]:
    """Yield what was booked that day, by account and then by time, a few hundred in memory."""
    found = _payments(day).union(_payouts(day), _returns(day), all=True)
    found = found.order_by("brand", "currency", "booked_at", "bank_reference")
    yield from map(_Booking._make, found.iterator(chunk_size=_CHUNK))


_Rows = QuerySet[Any, tuple[Any, ...]]


def _payments(day: date) -> _Rows:
    paid = Payment.objects.filter(status=Payment.Status.APPROVED)
    return _booked(paid, day, "decided_at", "payment", is_credit=True)


def _payouts(day: date) -> _Rows:
    sent = Payout.objects.filter(status__in=[Payout.Status.SUCCEEDED, Payout.Status.RETURNED])
    return _booked(sent, day, "decided_at", "payout", is_credit=False)


def _returns(day: date) -> _Rows:
    returned = Payout.objects.filter(status=Payout.Status.RETURNED)
    return _booked(returned, day, "returned_at", "return", is_credit=True)


def _booked(found: QuerySet[Any], day: date, at: str, kind: str, *, is_credit: bool) -> _Rows:
    since, until = _bounds(day)
    that_day = found.filter(**{f"{at}__gte": since, f"{at}__lt": until})
    said = {"booked_at": F(at), "kind": Value(kind), "is_credit": Value(is_credit)}
    rows: _Rows = that_day.annotate(**said).values_list(*_Booking._fields)
    return rows


def _bounds(day: date) -> tuple[datetime, datetime]:
    """Return the day's first instant, and the next day's."""
    since, until = (datetime.combine(day + timedelta(days=n), time.min) for n in (0, 1))
    return timezone.make_aware(since), timezone.make_aware(until)
