"""Times and days in the words people use. Every datetime is aware and shown in local time."""

from datetime import date, datetime, timedelta

from django.utils.dateformat import format as spell
from django.utils.timezone import localdate, localtime


def clock(at: datetime) -> str:
    """Return the time of day, such as 6:42 pm."""
    at = localtime(at)
    return f"{at.hour % 12 or 12}:{at:%M} {'am' if at.hour < 12 else 'pm'}"


def short(at: datetime) -> str:
    """Return what tells it apart: 6:42 pm today, then Yesterday, then 14 Nov, then 14 Nov 2025."""
    on, today = localtime(at).date(), localdate()
    if on == today:
        return clock(at)
    return "Yesterday" if on == today - timedelta(days=1) else short_day(on)


def iso(at: datetime) -> str:
    """Return 2026-11-20T18:42:09+05:30, for machines."""
    return localtime(at).isoformat(timespec="seconds")


def full(at: datetime) -> str:
    """Return 20 November 2026, 6:42 pm."""
    return f"{spell(localtime(at), 'j F Y')}, {clock(at)}"


def long(at: datetime) -> str:
    """Return Friday 20 November 2026, 6:42 pm."""
    return f"{spell(localtime(at), 'l')} {full(at)}"


def short_day(on: date) -> str:
    """Return 14 Nov, with the year when it is not this one."""
    return spell(on, "j M" if on.year == localdate().year else "j M Y")


def day_label(on: date) -> str:
    """Return the heading of a day in a list: Today, Fri 20 Nov."""
    today = localdate()
    near = {today: "Today, ", today - timedelta(days=1): "Yesterday, "}.get(on, "")
    return f"{near}{spell(on, 'D')} {short_day(on)}"


def day_of(value: date) -> date:
    """Return the local day of a datetime, and a date as it is."""
    return localtime(value).date() if isinstance(value, datetime) else value
