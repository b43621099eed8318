"""
Times and days in the words people use. Every datetime is aware and shown in the house's time.

The words are spelled here: Django's own way translates each of them, and a page has dozens.
"""

from datetime import date, datetime, time, timedelta

from django.utils import timezone

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def here(at: datetime) -> datetime:
    """
    Return the moment by the clock of the house, which is everybody's.

    Django's localtime asks each time which clock the thread has set, and a page has dozens.
    """
    return timezone.localtime(at, timezone.get_default_timezone())


def clock(at: datetime) -> str:
    """Return the time of day, such as 6:42 pm."""
    return _clock(here(at))


def short(at: datetime) -> str:
    """Return what tells it apart: 6:42 pm today, then Yesterday, then 14 Nov, then 14 Nov 2025."""
    return _short(here(at))


def iso(at: datetime) -> str:
    """Return 2026-11-20T18:42:09+05:30, for machines."""
    return _iso(here(at))


def full(at: datetime) -> str:
    """Return 20 November 2026, 6:42 pm."""
    return _full(here(at))


def long(at: datetime) -> str:
    """Return Friday 20 November 2026, 6:42 pm."""
    return _long(here(at))


def told(at: datetime, form: str) -> tuple[str, str, str]:
    """Return iso(at), full(at), and at in one of the forms: short, clock, full, long."""
    local = here(at)
    return _iso(local), _full(local), _FORMS.get(form, _short)(local)


def short_day(on: date) -> str:
    """Return 14 Nov, with the year when it is not this one."""
    return _short_day(on, _today())


def month_day(on: date) -> str:
    """Return 14 November."""
    return f"{on.day} {_MONTHS[on.month - 1]}"


def day_label(on: date) -> str:
    """Return the heading of a day in a list: Today, Fri 20 Nov."""
    today = _today()
    near = {today: "Today, ", today - timedelta(days=1): "Yesterday, "}.get(on, "")
    return f"{near}{_WEEKDAYS[on.weekday()][:3]} {_short_day(on, today)}"


def day_of(value: date) -> date:
    """Return the local day of a datetime, and a date as it is."""
    return here(value).date() if isinstance(value, datetime) else value


def midnight(on: date) -> datetime:
    """Return the first moment of a day by the clock of the house."""
    return datetime.combine(on, time.min, tzinfo=timezone.get_default_timezone())


def _today() -> date:
    return here(timezone.now()).date()


# Of a datetime that is local already: finding out what is local costs more than the words.


def _clock(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local.minute:02} {'am' if local.hour < 12 else 'pm'}"


def _short(local: datetime) -> str:
    on, today = local.date(), _today()
    if on == today:
        return _clock(local)
    return "Yesterday" if on == today - timedelta(days=1) else _short_day(on, today)


def _iso(local: datetime) -> str:
    return local.isoformat(timespec="seconds")


def _full(local: datetime) -> str:
    return f"{month_day(local)} {local.year}, {_clock(local)}"


def _long(local: datetime) -> str:
    return f"{_WEEKDAYS[local.weekday()]} {_full(local)}"


def _short_day(on: date, today: date) -> str:
    words = f"{on.day} {_MONTHS[on.month - 1][:3]}"
    return words if on.year == today.year else f"{words} {on.year}"


_FORMS = {"clock": _clock, "full": _full, "long": _long}
