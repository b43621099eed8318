"""
Template tags and filters, known to every template without {% load %}.

Amounts are integers in minor units. A currency left out is the house's own.

Tags that stand on every row of a list are f-strings with an escape() around each value: the same as
format_html, at a fifth of its price. tests/kernel/test_escaping.py gives each of them hostile ones.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from html import escape
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.forms import BoundField
from django.utils.safestring import SafeString

from nexapay.kernel import charts, dates, fixed
from nexapay.kernel import money as amounts

register = template.Library()
register.tag("fixed", fixed.parse)

ICONS = Path(__file__).parent / "icons"
HIDDEN = "\u2009••••"  # after the currency's sign, where the eye hides an amount
TINTS = 6
BOOLEAN = frozenset({"autofocus", "checked", "disabled", "readonly", "required"})


def _currency(given: str) -> str:
    return given or str(settings.DEFAULT_CURRENCY)


# Money


@register.filter
def money(minor: int, currency: str = "") -> str:
    """{{ minor|money }} or {{ minor|money:currency }}: ₹1,234.50."""
    return amounts.format(minor, _currency(currency))


@register.filter
def signed(minor: int, currency: str = "") -> str:
    """{{ minor|signed }}: +₹1,234.50 or its true minus."""
    return amounts.format(minor, _currency(currency), sign="always")


@register.filter
def typed(minor: int, currency: str = "") -> str:
    """{{ minor|typed }}: 1,234.50 or 500, as it goes into a field."""
    return amounts.typed(minor, _currency(currency))


@register.filter
def symbol(currency: str) -> str:
    """{{ currency|symbol }}: ₹."""
    return amounts.symbol(_currency(currency))


@register.filter
def exponent(currency: str) -> int:
    """{{ currency|exponent }}: the currency's number of decimals."""
    return amounts.exponent(_currency(currency))


@register.simple_tag
def pmoney(
    minor: int, currency: str = "", sign: amounts.Sign = "auto", cls: str = ""
) -> SafeString:
    """
    {% pmoney minor currency sign cls %}: an amount that obeys the privacy eye.

    Both versions are in the page. CSS shows one, and display:none takes the other from the
    accessibility tree as well.
    """
    code = _currency(currency)
    shown = escape(amounts.format(minor, code, sign=sign))
    return SafeString(
        f'<data class="pv num {escape(cls)}" value="{escape(amounts.plain(minor, code))}">'
        f'<span class="pv-on">{shown}</span>{_hidden(code)}</data>'
    )


@register.simple_tag
def hero(minor: int, currency: str = "", private: bool = True) -> SafeString:  # noqa: FBT001, FBT002
    """{% hero minor currency private=False %}: the big figure; minor units smaller."""
    code = _currency(currency)
    shown = amounts.format(minor, code)
    whole, point, part = shown.rpartition(".") if amounts.exponent(code) else (shown, "", "")
    figure = (
        f'<span class="hero__v" aria-hidden="true">{escape(whole)}'
        f'<span class="hero__p">{point}{escape(part)}</span></span>'
        f'<span class="sr">{escape(shown)}</span>'
    )
    if not private:
        return SafeString(figure)
    hidden = _hidden(code, "hero__v")
    return SafeString(f'<span class="pv"><span class="pv-on">{figure}</span>{hidden}</span>')


@lru_cache(maxsize=64)
def _hidden(currency: str, cls: str = "") -> str:
    sign = escape(amounts.symbol(currency))
    return (
        f'<span class="pv-off"><span class="{escape(cls)}" aria-hidden="true">{sign}{HIDDEN}</span>'
        '<span class="sr">amount hidden</span></span>'
    )


# Names


@register.simple_tag
def named(name: str) -> SafeString:
    """{% named name %}: a name; where it ends as an account does, that stays when it is cut."""
    words, dots, ending = name.rpartition(" •••• ")
    if not (words and ending.isdigit()):
        return SafeString(f"<bdi>{escape(name)}</bdi>")
    return SafeString(
        f'<span class="ends"><bdi>{escape(words)}</bdi> <span class="num">{dots.strip()}'
        f"\N{NO-BREAK SPACE}{escape(ending)}</span></span>"
    )


# Pictures


@cache
def _drawing(name: str) -> SafeString:
    """Return the inside of one of our own SVG files; they are trusted, hence SafeString."""
    if not re.fullmatch("[a-z0-9-]+", name):
        raise ValueError(f"{name!r} is not the name of an icon")
    source = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    inner = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", source, flags=re.DOTALL)
    return SafeString(" ".join(inner.split()))


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: int = 20, cls: str = "") -> SafeString:
    """{% icon "name" size cls %}: a drawing of icons/, hidden from assistive technology."""
    side = escape(str(size))
    return SafeString(
        f'<svg class="i {escape(cls)}" width="{side}" height="{side}" viewBox="0 0 24 24"'
        ' fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round"'
        f' stroke-linejoin="round" aria-hidden="true" focusable="false">{_drawing(name)}</svg>'
    )


@register.simple_tag
@lru_cache(maxsize=4096)
def avatar(name: str, cls: str = "") -> SafeString:
    """{% avatar name "av-lg" %}: initials on one of six tints; the name must stand beside it."""
    tint = hashlib.sha256(name.encode(errors="replace")).digest()[0] % TINTS + 1
    inside = escape(_initials(name)) or icon("user-round")
    return SafeString(
        f'<span class="av av-{tint} {escape(cls)}" aria-hidden="true">{inside}</span>'
    )


def _initials(name: str) -> str:
    """Return the first letters of the first and last word, or nothing for a name of emoji."""
    words = [word for word in re.split(r"[\s.&@_-]+", name) if word[:1].isalnum()]
    return "".join(word[0].upper() for word in [*words[:1], *words[1:][-1:]])


@register.simple_tag
def sparkline(series: charts.Series, currency: str = "", uid: str = "spark") -> SafeString:
    """{% sparkline series currency %}: series of (day, balance minor), oldest first."""
    sentence = charts.balance_sentence(series, _currency(currency))
    return charts.line(series, label=sentence, uid=uid)


@register.filter
def change(series: charts.Series) -> int:
    """{{ series|change }}: the last balance less the first, in minor units."""
    return series[-1][1] - series[0][1] if series else 0


@register.filter
def daycount(series: charts.Series) -> int:
    """{{ series|daycount }}: how many days lie between its first and its last."""
    return (series[-1][0] - series[0][0]).days if series else 0


# Times


@register.simple_tag
def when(at: datetime | None, form: str = "short") -> SafeString:
    """{% when at %}: a time element. form: short (6:42 pm, 14 Nov), clock, full, long."""
    if at is None:
        return SafeString("")
    iso, full, words = dates.told(at, form)
    return SafeString(f'<time datetime="{iso}" title="{full}">{words}</time>')


@register.filter
def longtime(at: datetime) -> str:
    """{{ at|longtime }}: Friday 20 November 2026, 6:42 pm."""
    return dates.long(at)


@register.filter
def daylabel(on: date) -> str:
    """{{ on|daylabel }}: Today, Fri 20 Nov."""
    return dates.day_label(dates.day_of(on))


@register.filter
def shortday(on: date) -> str:
    """{{ on|shortday }}: 14 Nov."""
    return dates.short_day(dates.day_of(on))


# Forms and navigation


@register.simple_tag
def control(field: BoundField, hint: str = "", cls: str = "in-t", **attrs: Any) -> SafeString:
    """
    {% control field hint cls attr=value %}: the input itself, tied to its hint and its error.

    In the names of attrs an underscore is written for a hyphen: hx_get="/send/people/". An
    attribute that is empty, None or False is left out; True stands alone, and so does whatever
    is true of an attribute that HTML knows as boolean.
    """
    described = [f"{field.id_for_label}-e"] * bool(field.errors)
    described += [f"{field.id_for_label}-h"] * bool(hint or field.help_text)
    aria = {
        "class": cls or None,
        "aria-describedby": " ".join(described) or None,
        "aria-invalid": "true" if field.errors else None,
    }
    named = {
        name.replace("_", "-"): bool(value) if name in BOOLEAN else value
        for name, value in attrs.items()
    }
    kept = {name: value for name, value in (aria | named).items() if value not in (None, False, "")}
    return SafeString(field.as_widget(attrs=kept))


@register.filter
def problems(form: Any) -> Sequence[tuple[BoundField | None, str]]:
    """{{ form|problems }}: every error with its field (None for the form's own), in page order."""
    own = [(None, str(error)) for error in form.non_field_errors()]
    return own + [
        (None if field.is_hidden else field, str(error)) for field in form for error in field.errors
    ]


@register.simple_tag
def current(here: str, *names: str) -> SafeString:
    """{% current here "wallet:history" ... %}: marks the link to the view that here names."""
    return SafeString(' aria-current="page"' if here in names else "")


@register.filter
def isbad(message: Message) -> bool:
    """{{ message|isbad }}: whether one of Django's messages must stay until it is dismissed."""
    return message.level >= messages.WARNING
