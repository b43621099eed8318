"""Every text and background that the design puts together can be read, in both themes."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "static" / "css"
HEX = r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b"
PAIR = rf"light-dark\(({HEX}), ({HEX})\)"
TEXT, SHAPE = 4.5, 3.0  # WCAG 2.2 AA: 1.4.3 and 1.4.11

Shades = tuple[str, str]  # light, dark


def tokens() -> dict[str, Shades]:
    css = (CSS / "tokens.css").read_text()
    themed = {name: (day, night) for name, day, night in re.findall(rf"--([\w-]+):\s*{PAIR}", css)}
    same = {name: (shade, shade) for name, shade in re.findall(rf"--([\w-]+):\s*({HEX})", css)}
    return same | themed


def avatars() -> list[tuple[str, Shades, Shades]]:
    css = (CSS / "components.css").read_text()
    found = re.findall(rf"\.(av-\d) \{{ background: {PAIR}; color: {PAIR}", css)
    return [(name, (ink, dark_ink), (day, night)) for name, day, night, ink, dark_ink in found]


def luminance(shade: str) -> float:
    digits = shade[1:] if len(shade) == 7 else "".join(char * 2 for char in shade[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXTS = {
    "ink": ["bg", "surface", "sunken"],
    "ink-2": ["bg", "surface", "sunken", "mute-soft"],
    "accent": ["bg", "surface", "sunken", "accent-soft"],
    "accent-ink": ["accent-soft"],
    "on-accent": ["accent", "accent-press"],
    "in": ["surface", "accent-soft"],
    "ok-ink": ["ok-soft"],
    "warn-ink": ["warn-soft"],
    "bad-ink": ["bad-soft", "surface", "bg"],
    "on-bad": ["bad", "bad-press"],
    "card-ink": ["card-a", "card-b"],
    "card-ink-2": ["card-a", "card-b"],
}
SHAPES = {
    "card-line": ["card-a", "card-b"],
    "line-strong": ["bg", "surface"],
    "focus": ["bg", "surface"],
    "bad": ["surface"],
    "accent": ["surface"],
}
CASES = [
    (fore, back, least)
    for pairs, least in ((TEXTS, TEXT), (SHAPES, SHAPE))
    for fore, backs in pairs.items()
    for back in backs
]


class TestContrast:
    @pytest.mark.parametrize(("fore", "back", "least"), CASES)
    def test_is_enough_between(self, fore: str, back: str, least: float) -> None:
        shades = tokens()

        assert min(map(contrast, shades[fore], shades[back])) >= least

    def test_is_enough_on_every_avatar(self) -> None:
        found = avatars()

        assert [name for name, _, _ in found] == [f"av-{tint}" for tint in range(1, 7)]
        assert all(min(map(contrast, ink, back)) >= TEXT for _, ink, back in found)

    def test_is_measured_as_the_standard_measures_it(self) -> None:
        assert contrast("#fff", "#000000") == pytest.approx(21)
        assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
