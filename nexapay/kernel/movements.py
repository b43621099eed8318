"""
Template tags for movements of money, known to every template without {% load %}.

Pages hold dozens of rows, and a template asks some twenty questions of each. As one f-string a row
costs a fourth of that; whatever text it is given is escaped, as in kernel/tags.py.
"""

from datetime import datetime
from html import escape
from typing import Protocol
from uuid import UUID

from django import template
from django.utils.safestring import SafeString

from nexapay.kernel.tags import avatar, icon, named, pmoney, when

register = template.Library()


class Moved(Protocol):
    """A movement: amount_minor is below zero if it left."""

    amount_minor: int
    status: str


class Movement(Moved, Protocol):
    """
    A movement as a list tells it. An icon stands in place of initials.

    What is_inside a wallet, to be locked or back, neither came nor left, and has no sign.
    """

    uid: UUID
    url: str
    name: str
    icon: str
    is_person: bool
    is_inside: bool
    verb: str
    note: str
    at: datetime
    currency: str
    balance_after_minor: int | None


@register.simple_tag
def tx(row: Movement, time_form: str = "", running: bool = False) -> SafeString:  # noqa: FBT001, FBT002
    """{% tx row time_form running %}: an li. time_form as in when; running: and what was left."""
    verb = f'<span class="sr">{escape(row.verb)}, </span>' if row.verb else ""
    note = f"<bdi>{escape(row.note)}</bdi> · " if row.note else ""
    return SafeString(
        f'<li><a class="tx" id="tx-{row.uid}" href="{escape(row.url)}">\n{_picture(row)}\n'
        f'<span><span class="tx__n" title="{escape(row.name)}">{named(row.name)}</span> '
        f'<span class="tx__m">{verb}{note}{when(row.at, time_form or "short")}</span></span>\n'
        f'<span class="tx__a">{_amount(row)}{_badge(row)}{_after(row) if running else ""}</span>\n'
        "</a></li>"
    )


def _picture(row: Movement) -> str:
    if row.icon:
        return f'<span class="av av-i">{icon(row.icon)}</span>'
    return avatar(row.name) if row.is_person else avatar(row.name, "av-sq")


def _amount(row: Movement) -> str:
    if row.is_inside:
        return pmoney(row.amount_minor, row.currency)
    return pmoney(row.amount_minor, row.currency, "always", tone(row))


def _badge(row: Movement) -> str:
    return "" if row.status == "complete" else f"\n{badge(row.status)}"


def _after(row: Movement) -> str:
    if row.balance_after_minor is None:
        return ""
    shown = pmoney(row.balance_after_minor, row.currency)
    return f'\n<span class="tx__b"><span class="sr">Balance after: </span>{shown}</span>'


@register.filter
def tone(row: Moved) -> str:
    """{{ row|tone }}: the class of its amount; green only once the money has arrived."""
    if row.status == "failed":
        return "void"
    return "in" if row.status == "complete" and row.amount_minor > 0 else ""


# Of each status: the badge's class, its icon and how big that is.
_BADGES = {
    "complete": ("bdg bdg--ok", "circle-check", 13),
    "processing": ("bdg bdg--wait", "clock", 12),
    "failed": ("bdg bdg--bad", "circle-x", 12),
    "returned": ("bdg", "undo-2", 12),
    "cancelled": ("bdg", "x", 12),
    "locked": ("bdg bdg--acc", "lock", 12),
}


@register.simple_tag
def badge(status: str) -> SafeString:
    """{% badge status %}: a status as icon and word; nothing for one that is none."""
    if status not in _BADGES:
        return SafeString("")
    cls, name, size = _BADGES[status]
    return SafeString(f'<span class="{cls}">{icon(name, size)}{status.capitalize()}</span>')
