"""What happened: the list of all movements, and each with its receipt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from nexapay.kernel import cursors, dates, db, http, money
from wallet import selectors
from wallet.forms import FilterForm
from wallet.models import Transfer, Wallet
from wallet.views.access import Request, with_wallet

_CANCELLED = "57014"  # PostgreSQL's code for a statement that ran into statement_timeout.
_SLOW = "That search took too long. Choose a first and a last day, so that there is less to read."


@dataclass
class _Day:
    """The rows of one local day. heading is false where an earlier page has said it."""

    on: date
    heading: bool
    rows: list[selectors.Row] = field(default_factory=list)


@require_safe
@with_wallet
def history(request: Request, wallet: Wallet) -> HttpResponse:
    """Show the movements that the address asks for, newest first, a page at a time."""
    form = FilterForm(request.GET)
    cursor = request.GET.get("cursor", "")
    page, problem = selectors.Page([], ""), ""
    if form.is_valid():
        page, problem = _read(wallet, form.filters(), cursor)
    is_more = bool(cursor and request.htmx and not request.htmx.history_restore_request)
    context = {
        **_fields(form),
        "untouched": "" if _is_touched(request, form) else _untouched(get_script_prefix()),
        "days": _days(page.rows, after=_day_of(cursor) if is_more else None),
        "shown": len(page.rows),
        "problem": problem,
        "is_filtered": form.is_valid() and bool(form.filters()),
        "asked": _in_words(form),
        "next_url": _next_url(request, page.next_cursor),
        "cursor": cursor,
    }
    partial = "wallet/_rows.html" if is_more and not problem else "wallet/_found.html"
    status = 422 if problem or form.errors else 200
    return http.page(request, "wallet/history.html", context, partial=partial, status=status)


def _fields(form: FilterForm) -> dict[str, Any]:
    """Return what wallet/_filters.html needs."""
    pickers, days_between = [form["kind"], form["status"]], [form["from"], form["to"]]
    return {"form": form, "pickers": pickers, "days_between": days_between}


def _is_touched(request: Request, form: FilterForm) -> bool:
    return any(request.GET.get(name) for name in form.fields)


@lru_cache(maxsize=4)
def _untouched(prefix: str) -> SafeString:  # It is in the form's address.
    """Return the filters before anybody chose, the same for all: Django draws fields slowly."""
    return render_to_string("wallet/_filters.html", _fields(FilterForm({})))


def _read(wallet: Wallet, filters: selectors.Filters, cursor: str) -> tuple[selectors.Page, str]:
    """Return the page, and what went wrong with it, if anything."""
    try:
        return selectors.page(wallet_id=wallet.pk, filters=filters, cursor=cursor), ""
    except cursors.BadCursor as error:
        raise Http404 from error
    except OperationalError as error:
        if db.sqlstate(error) != _CANCELLED:
            raise
        return selectors.Page([], ""), _SLOW


def _day_of(cursor: str) -> date:
    """Return the day of the last row of the page before."""
    return dates.day_of(cursors.decode(cursor)[0])


def _days(rows: Sequence[selectors.Row], *, after: date | None) -> list[_Day]:
    """Group rows by local day. after is the day whose heading stands already."""
    days: list[_Day] = []
    for row in rows:
        on = dates.day_of(row.at)
        if not days or days[-1].on != on:
            days.append(_Day(on, heading=on != after))
        days[-1].rows.append(row)
    return days


def _next_url(request: Request, cursor: str) -> str:
    """Return the address of the next page, with the same filters; empty at the end."""
    if not cursor:
        return ""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}"


def _in_words(form: FilterForm) -> str:
    """Say what was asked for: failed, payments, money out, “Kabir”, from 1 Nov."""
    if not form.is_valid():
        return ""
    given = form.cleaned_data
    words = [_label(form, "status"), _label(form, "kind")]
    words.append(f"money {given['direction']}" if given["direction"] else "")
    words.append(f"“{given['q']}”" if given["q"] else "")
    words += [f"{end} {dates.short_day(given[end])}" for end in ("from", "to") if given[end]]
    return ", ".join(word for word in words if word)


def _label(form: FilterForm, name: str) -> str:
    chosen = form.cleaned_data[name]
    return str(dict(form.fields[name].choices)[chosen]).lower() if chosen else ""  # type: ignore[attr-defined]


@require_safe
@with_wallet
def receipt(request: Request, wallet: Wallet, public_id: UUID) -> HttpResponse:
    """Show one movement; right after sending, as the receipt that says so."""
    found = selectors.receipt(wallet_ids=[wallet.pk], public_id=public_id)
    if found is None:
        raise Http404
    is_in = found.row.amount_minor > 0 and not found.row.is_inside
    is_new = "new" in request.GET and not is_in and found.row.is_person
    context = {
        "flow": "Receipt" if is_new else "Payment",
        "title": _title(found.row, is_in=is_in),
        "back": reverse("wallet:history"),
        "receipt": found,
        "row": found.row,
        "is_in": is_in,
        "amount_minor": abs(found.row.amount_minor),
        "steps": _steps(found),
    }
    template = "wallet/receipt.html" if is_new else "wallet/transaction.html"
    return http.page(request, template, context)


def _title(row: selectors.Row, *, is_in: bool) -> str:
    """Return what stands before the name: From, To, Withdrawn to."""
    if row.is_person or row.verb == "added from":
        return "From" if is_in else "To"
    return row.verb.capitalize()


def _steps(found: selectors.Receipt) -> list[dict[str, Any]]:
    """Return what happened, in order, in words."""
    row = found.row
    before = money.format(found.balance_before_minor, row.currency)
    after = money.format(found.balance_after_minor, row.currency)
    moved = f"Your balance went from {before} to {after}"
    told = _OWN_STEPS.get(found.kind, _between)(row, moved, f"from {before} to {after}")
    return [{"title": title, "text": text, "at": row.at, "state": "done"} for title, text in told]


_Told = list[tuple[str, str]]  # Titles and texts.


def _between(row: selectors.Row, moved: str, _: str) -> _Told:
    shown = money.format(abs(row.amount_minor), row.currency)
    who = row.name.split(" ")[0] if row.is_person else row.name
    if row.amount_minor < 0:
        return [(f"You sent {shown}", moved), (f"Arrived with {who}", "At once")]
    first = f"{who} sent {shown}" if row.is_person else f"{who} confirmed {shown}"
    source = "From their NexaPay balance" if row.is_person else "From your bank account"
    return [(first, source), ("Added to your wallet", moved)]


def _held(row: selectors.Row, _: str, change: str) -> _Told:
    shown = money.format(row.amount_minor, row.currency)
    return [(f"{shown} set aside", f"Still yours. What you can spend went {change}")]


def _released(row: selectors.Row, _: str, change: str) -> _Told:
    shown = money.format(row.amount_minor, row.currency)
    return [(f"{shown} released", f"It did not leave. What you can spend went {change}")]


def _withdrawn(row: selectors.Row, moved: str, _: str) -> _Told:
    shown = money.format(-row.amount_minor, row.currency)
    return [("The bank confirmed", f"{shown} was paid to {row.name}"), ("Left your wallet", moved)]


def _returned(row: selectors.Row, moved: str, _: str) -> _Told:
    shown = money.format(row.amount_minor, row.currency)
    return [(f"{row.name} sent {shown} back", ""), ("Back in your wallet", moved)]


def _corrected(row: selectors.Row, moved: str, _: str) -> _Told:
    where = "In your wallet" if row.amount_minor > 0 else "Taken from your wallet"
    return [("We corrected your balance", row.note), (where, moved)]


_OWN_STEPS = {
    Transfer.Kind.HOLD.value: _held,
    Transfer.Kind.RELEASE.value: _released,
    Transfer.Kind.PAYOUT.value: _withdrawn,
    Transfer.Kind.RETURN.value: _returned,
    Transfer.Kind.CORRECTION.value: _corrected,
}
