"""Charts as inline SVG, drawn on the server. Floats draw lines here and never touch an amount."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from django.utils.html import format_html
from django.utils.safestring import SafeString

from nexapay.kernel import dates, money

Series = Sequence[tuple[date, int]]  # day and balance in minor units, oldest first
Point = tuple[float, float]

WIDTH, HEIGHT = 600, 120
RIGHT, TOP, BOTTOM = 12, 10, 26  # room for the dot within the round corner of its card


def line(series: Series, *, label: str, uid: str) -> SafeString:
    """Return the balance line, or nothing where there is no balance to draw."""
    if not series:
        return SafeString("")
    points = _points([minor for _, minor in series])
    path, (end_x, end_y) = _smooth(points), points[-1]
    return format_html(
        '<svg class="spark" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img"'
        ' aria-label="{label}"><defs><linearGradient id="{uid}-g" x1="0" y1="0" x2="0" y2="1">'
        '<stop class="spark__s0" offset="0"/><stop class="spark__s1" offset="1"/>'
        "</linearGradient></defs>"
        '<path class="spark__a" fill="url(#{uid}-g)" d="{path}L{w} {y}L{w} {h}L0 {h}Z"/>'
        '<path class="spark__l" d="{path}" fill="none" vector-effect="non-scaling-stroke"/>'
        '<path class="spark__d" d="M{x} {y}h.01" vector-effect="non-scaling-stroke"/></svg>',
        **{"w": WIDTH, "h": HEIGHT, "label": label, "uid": uid},
        **{"path": path, "x": end_x, "y": end_y},
    )


def balance_sentence(series: Series, currency: str) -> str:
    """Return what the line shows, in words and figures, for who cannot see it."""
    if not series:
        return "No balance yet."
    now = money.format(series[-1][1], currency)
    amounts = [minor for _, minor in series]
    if len(set(amounts)) == 1:
        return f"Your balance has been {now} since {dates.month_day(series[0][0])}."
    return (
        f"Your balance over {(series[-1][0] - series[0][0]).days} days. "
        f"{_change(amounts[-1] - amounts[0], currency)} It was {_on(series[0], currency)}, "
        f"lowest at {_on(min(series, key=_minor), currency)}, "
        f"highest at {_on(max(series, key=_minor), currency)}, and is {now} today, "
        "with money locked for payments included."
    )


def _minor(point: tuple[date, int]) -> int:
    return point[1]


def _on(point: tuple[date, int], currency: str) -> str:
    return f"{money.format(point[1], currency)} on {dates.month_day(point[0])}"


def _change(minor: int, currency: str) -> str:
    if minor == 0:
        return "It ends where it began."
    return f"{'Up' if minor > 0 else 'Down'} {money.format(minor, currency, sign='never')}."


def _points(values: Sequence[int]) -> list[Point]:
    if len(values) == 1:
        values = [values[0], values[0]]
    low, high = min(values), max(values)
    width, height, last = WIDTH - RIGHT, HEIGHT - TOP - BOTTOM, len(values) - 1

    def share(value: int) -> float:
        if low == high:  # a flat line: on the ground for nothing, half-way up for something
            return 0.5 if low else 0.0
        return (value - low) / (high - low)

    return [
        (round(index * width / last, 2), round(TOP + (1 - share(value)) * height, 2))
        for index, value in enumerate(values)
    ]


def _smooth(points: Sequence[Point]) -> str:
    """Return a monotone cubic path: it never overshoots into a balance that did not exist."""
    slopes = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(points)]
    inner = [0.0 if a * b <= 0 else 2 / (1 / a + 1 / b) for a, b in pairwise(slopes)]
    tangents = [slopes[0], *inner, slopes[-1]]
    curves = [
        _curve(start, end, *ends)
        for (start, end), ends in zip(pairwise(points), pairwise(tangents), strict=True)
    ]
    return f"M{points[0][0]} {points[0][1]}" + "".join(curves)


def _curve(start: Point, end: Point, leaving: float, arriving: float) -> str:
    (x0, y0), (x1, y1) = start, end
    third = (x1 - x0) / 3
    return (
        f"C{x0 + third:.2f} {y0 + leaving * third:.2f} "
        f"{x1 - third:.2f} {y1 - arriving * third:.2f} {x1} {y1}"
    )
