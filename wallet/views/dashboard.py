"""The first page: how much there is, what just happened, what one can do next."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from nexapay.kernel import dates, http
from wallet import selectors
from wallet.models import Balance, Wallet
from wallet.views.access import Request, with_wallet

_DAYS = 30
_SHOWN, _READ = 5, 30  # Rows shown, and rows read to see whom one may pay again.
_PEOPLE = 4


@require_safe
@with_wallet
def dashboard(request: Request, wallet: Wallet) -> HttpResponse:
    """Show the balance and the newest movements; a newcomer sees what to do first."""
    now = timezone.now()
    rows = selectors.page(wallet_id=wallet.pk, size=_READ).rows
    context = {
        "wallet": wallet,
        "balance": _balance(wallet, now=now, with_line=bool(rows)),
        "greeting": _greeting(now) if rows else "Welcome",
        "rows": rows[:_SHOWN],
        "people": _people(rows),
        "setup": _setup(request.user, wallet.balance, rows),
    }
    return http.page(request, "wallet/dashboard.html", context)


def _balance(wallet: Wallet, *, now: datetime, with_line: bool) -> dict[str, Any]:
    """Return what the balance card shows; the line only where there is a past."""
    held = wallet.balance
    return {
        "available_minor": held.available_minor,
        "locked_minor": held.locked_minor,
        "total_minor": held.total_minor,
        "currency": wallet.currency,
        "series": _line(wallet, now) if with_line else [],
    }


def _line(wallet: Wallet, now: datetime) -> list[tuple[date, int]]:
    today = dates.day_of(now)
    held = selectors.balance_line(wallet=wallet, days=_DAYS + 1, now=now)
    return [(today - timedelta(days=_DAYS - index), minor) for index, minor in enumerate(held)]


def _greeting(now: datetime) -> str:
    hour = dates.here(now).hour
    if 5 <= hour < 12:
        return "Good morning"
    return "Good afternoon" if 12 <= hour < 17 else "Good evening"


def _people(rows: Sequence[selectors.Row]) -> list[dict[str, str]]:
    """Return the people of these rows with a link that pays them."""
    send = reverse("wallet:send")
    return [
        {
            "url": f"{send}?to=@{person.handle}",
            "name": person.name,
            "first_name": person.name.split(" ")[0],
        }
        for person in selectors.people_in(rows, limit=_PEOPLE)
    ]


def _setup(user: User, balance: Balance, rows: Sequence[selectors.Row]) -> dict[str, Any] | None:
    """Return the first steps and how many of them are done, or nothing once all are."""
    if len(rows) == _READ:
        return None  # Older rows than those read may hold the first payment.
    has_money = balance.total_minor > 0 or any(
        row.amount_minor > 0 and row.status == "complete" for row in rows
    )
    has_sent = any(row.amount_minor < 0 and row.is_person for row in rows)
    steps = [
        _step("Make your account", f"@{user.handle}", link="", done=True),
        _step("Add money", "From your bank", link=reverse("onramp:add"), done=has_money),
        _step(
            *("Send your first payment", "By name, phone or @handle"),
            link=reverse("wallet:send"),
            done=has_sent,
        ),
    ]
    done = sum(step["done"] for step in steps)
    return None if done == len(steps) else {"steps": steps, "done": done}


def _step(name: str, more: str, *, link: str, done: bool) -> dict[str, Any]:
    return {"name": name, "more": more, "link": link, "done": done}
