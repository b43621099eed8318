"""
One line of text from a stranger: a name, a note, a search.

Letters of every script, emoji and symbols pass. What cannot be seen does not: it could hide one
name inside another, turn a line around, or make PostgreSQL refuse the row.
"""

import re
import unicodedata

_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols that draw nothing
_SURROGATES = re.compile("[\ud800-\udfff]")
_ZWNJ, _ZWJ, _EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"
_VIRAMA = 9  # the combining class of the signs that a joiner stands by in Indian scripts


class TextError(ValueError):
    """The text is not one plain line. The message is a sentence for the person who typed it."""


def line(text: str, *, max_length: int) -> str:
    """
    Return text in Unicode's composed form, trimmed, with each run of spaces made one.

    max_length is in code points, after that.

    >>> line("  Dinner   at Toit ", max_length=80)
    'Dinner at Toit'

    :raises TextError: if it is too long, has several lines, or has characters nobody can see.
    """
    if len(text) > 4 * max_length + 100:  # nothing this long shrinks enough; do not even look
        raise TextError(_too_long(max_length))
    _refuse_unseen(text.strip())
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if len(text) > max_length:
        raise TextError(_too_long(max_length))
    return text


def echo(text: str) -> str:
    """Return text that can be written into a page: half characters become U+FFFD."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def _refuse_unseen(text: str) -> None:
    if _BREAKS.search(text):
        raise TextError("Write it on one line.")
    if _TURNS.search(text):
        raise TextError("Type it again: it has hidden characters that change the reading order.")
    if any(_is_unseen(text, at) for at in range(len(text))):
        raise TextError("Type it again: it has hidden characters that we cannot show.")


def _is_unseen(text: str, at: int) -> bool:
    char = text[at]
    if char in (_ZWJ, _ZWNJ):
        return not _joins(text[at - 1 : at], char, text[at + 1 : at + 2])
    return char in _BLANKS or unicodedata.category(char) in ("Cc", "Cf", "Cs")


def _joins(before: str, joiner: str, after: str) -> bool:
    """Say whether a joiner does its honest work: in an emoji, by a virama, in Persian."""
    if not before or not after:
        return False
    if _VIRAMA in (unicodedata.combining(before), unicodedata.combining(after)):
        return True
    if joiner == _ZWNJ:
        return unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
    is_emoji = before == _EMOJI_STYLE or unicodedata.category(before) in ("So", "Sk")
    return is_emoji and unicodedata.category(after) == "So"


def _too_long(max_length: int) -> str:
    return f"Use {max_length} characters or fewer."
