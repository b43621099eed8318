"""One line of text from a stranger."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexapay.kernel import text


class TestLine:
    @pytest.mark.parametrize(
        "good",
        [
            *("Dinner at Toit", "O'Neil & Söhne <b>", "שלום עולם", "مرحبا", "किराया", "දීප්‍ති"),
            *("🍕🍺", "👩🏽‍⚕️", "👨‍👩‍👧‍👦", "❤️‍🔥", "🏳️‍🌈", "می‌خواهم", "র‍্যাব", "1️⃣", "= 2 + 2", ""),
        ],
    )
    def test_keeps(self, good: str) -> None:
        assert text.line(good, max_length=80) == good

    def test_trims_joins_spaces_and_composes(self) -> None:
        assert text.line("  Cafe\u0301 \u3000 bill\u00a0", max_length=80) == "Café bill"

    @pytest.mark.parametrize("char", ["\n", "\r", "\t", "\v", "\f", "\x85", "\u2028", "\u2029"])
    def test_refuses_a_second_line(self, char: str) -> None:
        with pytest.raises(text.TextError, match="one line"):
            text.line(f"rent{char}paid", max_length=80)

    @pytest.mark.parametrize(
        "char", [*map(chr, range(0x202A, 0x202F)), "\u2066", "\u2069", "\u200f"]
    )
    def test_refuses_what_turns_the_reading_order(self, char: str) -> None:
        with pytest.raises(text.TextError, match="reading order"):
            text.line(f"rent{char}paid", max_length=80)

    @pytest.mark.parametrize(
        "char", ["\x00", "\x07", "\x7f", "\u200b", "\u2060", "\ufeff", "\u00ad", "\u3164", "\ud800"]
    )
    def test_refuses_what_nobody_can_see(self, char: str) -> None:
        with pytest.raises(text.TextError, match="hidden"):
            text.line(f"rent{char}paid", max_length=80)

    @pytest.mark.parametrize("bad", ["Kabir\u200d", "\u200dKabir", "Ka\u200dbir", "שר\u200dה"])
    def test_refuses_a_joiner_that_joins_nothing(self, bad: str) -> None:
        with pytest.raises(text.TextError, match="hidden"):
            text.line(bad, max_length=80)

    @pytest.mark.parametrize("length", [81, 10_000, 1_000_000])
    def test_refuses_what_is_too_long(self, length: int) -> None:
        with pytest.raises(text.TextError, match="80 characters or fewer"):
            text.line("é" * length, max_length=80)

    @given(st.text(st.characters(codec=None), max_size=120))
    def test_answers_with_a_line_or_a_sentence_whatever_comes(self, raw: str) -> None:
        with contextlib.suppress(text.TextError):
            line = text.line(raw, max_length=80)

            assert len(line) <= 80
            line.encode()
            assert text.line(line, max_length=80) == line


class TestEcho:
    def test_makes_half_characters_printable(self) -> None:
        assert text.echo("a\ud800b") == "a\N{REPLACEMENT CHARACTER}b"
