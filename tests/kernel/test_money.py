"""Text to minor units and back: what people may write, and what they are shown."""

import string
from decimal import Decimal

import pytest
from babel.numbers import UnknownCurrencyError, format_currency
from hypothesis import given
from hypothesis import strategies as st

from nexapay.kernel import money

CURRENCIES = st.sampled_from(["INR", "USD", "EUR", "JPY", "KWD"])
MINOR = st.integers(min_value=0, max_value=money.MAX_MINOR)


class TestParse:
    @pytest.mark.parametrize(
        ("text", "minor"),
        [
            ("0", 0),
            ("250", 25_000),
            ("0.01", 1),
            ("1499.5", 149_950),
            ("1,499.50", 149_950),
            ("1,00,000", 10_000_000),
            ("100,000", 10_000_000),
            ("12,34,567.89", 123_456_789),
            ("1,234,567.89", 123_456_789),
            ("  42 ", 4_200),
            ("007", 700),
            ("10,000,000,000,000.00", money.MAX_MINOR),
        ],
    )
    def test_takes(self, text: str, minor: int) -> None:
        assert money.parse(text, "INR") == minor

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                " ",
                "abc",
                "NaN",
                "inf",
                "1e9",
                "1E2",
                "0x10",
                "1_000",
                "٣٤",
                "\uff11\uff12",
                "१२",
                "²",
            ),
            *("-5", "+5", "\u22125", "₹5", "5 000", "5\n", "\t5", "5\u00a0", "5\x00", "\ud800"),
            *("5.", ".5", "1.2.3", "1,0,0", "1,00", "10,00", ",100", "100,", "1,,000", "1,000,00"),
            *("1,0000", "1234,567", "12,345,67", "1,00,000,000", "1.5,00", "1.000,50", "0.001"),
        ],
    )
    def test_refuses(self, text: str) -> None:
        with pytest.raises(money.MoneyError) as refusal:
            money.parse(text, "INR")

        assert str(refusal.value)[:3] in ("Ent", "Use")

    @pytest.mark.parametrize("text", ["10,000,000,000,000.01", "1" + "0" * 30, "9" * 10**6])
    def test_refuses_more_than_a_wallet_can_hold(self, text: str) -> None:
        with pytest.raises(money.MoneyError, match=r"^Enter ₹1,00,00,00,00,00,000\.00 or less"):
            money.parse(text, "INR")

    def test_follows_the_decimals_of_the_currency(self) -> None:
        assert money.parse("1,499", "JPY") == 1_499
        assert money.parse("1.250", "KWD") == 1_250
        with pytest.raises(money.MoneyError, match="whole amount"):
            money.parse("1.5", "JPY")
        with pytest.raises(money.MoneyError, match=r"at most 3 decimals, like 1,499\.500"):
            money.parse("1.2345", "KWD")

    @given(minor=MINOR, currency=CURRENCIES)
    def test_reads_back_whatever_we_print(self, minor: int, currency: str) -> None:
        shown = money.format(minor, currency)
        bare = "".join(char for char in shown if char in string.digits + ".,")

        assert money.parse(bare, currency) == minor
        assert money.parse(money.plain(minor, currency), currency) == minor
        assert money.parse(money.typed(minor, currency), currency) == minor

    @given(text=st.text(max_size=40))
    def test_takes_nothing_but_digits_a_point_and_commas(self, text: str) -> None:
        try:
            minor = money.parse(text, "INR")
        except money.MoneyError:
            return
        assert set(text.strip(" ")) <= set(string.digits + ".,")
        assert 0 <= minor <= money.MAX_MINOR


class TestFormat:
    @pytest.mark.parametrize(
        ("minor", "currency", "shown"),
        [
            (0, "INR", "₹0.00"),
            (7, "INR", "₹0.07"),
            (10_000_000, "INR", "₹1,00,000.00"),
            (-150_000, "INR", "\N{MINUS SIGN}₹1,500.00"),
            (500, "JPY", "JP¥500"),
            (1_250, "KWD", "KWD1.250"),
        ],
    )
    def test_shows(self, minor: int, currency: str, shown: str) -> None:
        assert money.format(minor, currency) == shown

    def test_signs_both_ways_only_where_asked_and_never_zero(self) -> None:
        assert money.format(100, "INR", sign="always") == "+₹1.00"
        assert money.format(-100, "INR", sign="always") == "\N{MINUS SIGN}₹1.00"
        assert money.format(-100, "INR", sign="never") == "₹1.00"
        assert money.format(0, "INR", sign="always") == "₹0.00"

    @given(
        minor=MINOR,
        currency=CURRENCIES,
        locale=st.sampled_from(["en_IN", "en_GB", "de_DE", "fr_FR", "ja_JP", "hi_IN"]),
    )
    def test_writes_what_babel_would(self, minor: int, currency: str, locale: str) -> None:
        major = Decimal(minor).scaleb(-money.exponent(currency))

        assert money.format(minor, currency, locale) == format_currency(
            major, currency, locale=locale
        )

    def test_groups_as_the_locale_does(self) -> None:
        assert money.format(10_000_000, "INR", "en_GB") == "₹100,000.00"


class TestPlainAndTyped:
    def test_plain_is_for_machines(self) -> None:
        assert money.plain(-123_450, "INR") == "-1234.50"
        assert money.plain(5, "JPY") == "5"

    def test_typed_drops_decimals_that_say_nothing(self) -> None:
        assert money.typed(500_000, "INR") == "5,000"
        assert money.typed(500_010, "INR") == "5,000.10"


class TestExponent:
    def test_is_fixed_for_every_currency_we_may_hold(self) -> None:
        """A release of Babel that changed one would multiply the money in it: stop there."""
        known = {"INR": 2, "USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}

        assert {code: money.exponent(code) for code in known} == known

    def test_refuses_what_is_no_currency(self) -> None:
        with pytest.raises(UnknownCurrencyError):
            money.exponent("XYZ")
