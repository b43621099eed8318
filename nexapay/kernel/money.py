"""
Money as people write it, and money as we keep it.

We keep integers in the currency's minor unit: paise for INR, yen for JPY, fils (a thousandth)
for KWD. This module alone turns text into them and them into text.
"""

import re
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

from babel import Locale
from babel.numbers import (
    format_decimal,
    get_currency_precision,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
    parse_pattern,
    validate_currency,
)

LOCALE = "en_IN"
MAX_MINOR = 10**15  # far above any wallet, far below BIGINT, so that sums cannot overflow
MAX_LENGTH = 32  # MAX_MINOR with every comma is 23 characters
MINUS = "\N{MINUS SIGN}"  # as wide as the plus sign and the digits

Sign = Literal["auto", "always", "never"]

_AMOUNT = re.compile(
    r"""
    (?P<whole>
        [0-9]+                            # 100000
      | [0-9]{1,3} (?: ,[0-9]{3} )+       # 100,000
      | [0-9]{1,2} (?: ,[0-9]{2} )* ,[0-9]{3}  # 1,00,000
    )
    (?: \. (?P<part>[0-9]+) )?
    """,
    re.VERBOSE,
)


class MoneyError(ValueError):
    """The text is not an amount we take. The message is a sentence for the person who typed it."""


@cache
def exponent(currency: str) -> int:
    """
    Return how many decimals the currency has.

    >>> exponent("INR"), exponent("JPY"), exponent("KWD")
    (2, 0, 3)

    :raises babel.numbers.UnknownCurrencyError: if it is not a currency: a programming error.
    """
    validate_currency(currency)
    return get_currency_precision(currency)


def parse(text: str, currency: str) -> int:
    """
    Return the amount a person typed, in minor units of currency; zero is an amount.

    Only the digits 0 to 9, one point and commas in their Indian or western places are taken.

    >>> parse(" 1,00,000.5 ", "INR")
    10000050

    :raises MoneyError: if it is anything else, has too many decimals, or is over MAX_MINOR.
    """
    text = text.strip(" ")
    match = _AMOUNT.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        raise MoneyError(_refusal(text, currency))
    part = match["part"] or ""
    if len(part) > exponent(currency):
        raise MoneyError(_too_fine(currency))
    minor = int(match["whole"].replace(",", "") + part.ljust(exponent(currency), "0"))
    if minor > MAX_MINOR:
        raise MoneyError(_too_much(currency))
    return minor


def format(minor: int, currency: str, locale: str = LOCALE, *, sign: Sign = "auto") -> str:
    """
    Return the amount for people's eyes, with every decimal and the locale's grouping.

    sign "auto" marks what is below zero, "always" also marks what is above, "never" neither.

    >>> format(10000050, "INR")
    '₹1,00,000.50'
    """
    shown = _shown(abs(minor), currency, locale)
    if sign == "never" or minor == 0:
        return shown
    if minor < 0:
        return MINUS + shown
    return "+" + shown if sign == "always" else shown


class _Style(NamedTuple):
    """How a locale writes amounts of a currency. first and rest are the sizes of its groups."""

    before: str
    after: str
    comma: str
    point: str
    first: int
    rest: int


def _shown(minor: int, currency: str, locale: str) -> str:
    """Return the amount, which is not below zero."""
    places, style = exponent(currency), _style(currency, locale)
    digits = str(minor).rjust(places + 1, "0")
    whole, part = (digits[:-places], style.point + digits[-places:]) if places else (digits, "")
    return f"{style.before}{_grouped(whole, style)}{part}{style.after}"


def _grouped(digits: str, style: _Style) -> str:
    left, groups = digits[: -style.first], [digits[-style.first :]]
    while left:
        left, group = left[: -style.rest], left[-style.rest :]
        groups.insert(0, group)
    return style.comma.join(groups)


@cache
def _style(currency: str, locale: str) -> _Style:
    """
    Return what Babel knows of the locale, looked up once: Babel's own formatting does so each time.

    There a page's amounts were a fifth of what it cost.
    """
    known = Locale.parse(locale).currency_formats["standard"].pattern
    pattern = parse_pattern(known.replace("¤", symbol(currency, locale)))
    signs = get_group_symbol(locale), get_decimal_symbol(locale)
    return _Style(pattern.prefix[0], pattern.suffix[0], *signs, *pattern.grouping)


def plain(minor: int, currency: str) -> str:
    """
    Return the amount for machines: a point, all decimals, an ASCII minus, nothing else.

    >>> plain(-123450, "INR")
    '-1234.50'
    """
    return f"{_major(minor, currency):f}"


def typed(minor: int, currency: str, locale: str = LOCALE) -> str:
    """
    Return the amount as a person would type it, for the inside of a field; parse() reads it back.

    >>> typed(500000, "INR"), typed(149950, "INR")
    ('5,000', '1,499.50')
    """
    whole, _, part = plain(minor, currency).partition(".")
    grouped = format_decimal(int(whole), locale=locale)
    return f"{grouped}.{part}" if part.strip("0") else grouped


@cache
def symbol(currency: str, locale: str = LOCALE) -> str:
    """Return the currency's sign, such as ₹."""
    return get_currency_symbol(currency, locale=locale)


def example(currency: str) -> str:
    """Return the sentence that shows how an amount is written."""
    return f"Enter an amount, like 250 or {_sample(currency)}"


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))


def _refusal(text: str, currency: str) -> str:
    too_long = len(text) > MAX_LENGTH and re.fullmatch(r"[0-9,.]+", text)
    return _too_much(currency) if too_long else example(currency)


def _too_fine(currency: str) -> str:
    places = exponent(currency)
    if places == 0:
        return "Enter a whole amount, without decimals."
    return f"Use at most {places} decimals, like {_sample(currency)}"


def _sample(currency: str) -> str:
    one = 10 ** exponent(currency)
    return typed(1499 * one + one // 2, currency)


def _too_much(currency: str) -> str:
    return f"Enter {format(MAX_MINOR, currency)} or less."
