"""JSON from outside, read without mercy: one form, every field of its own type."""

import json
import re
from datetime import datetime
from typing import Any

_MAX_DIGITS = 18  # Every such number fits a BIGINT.
_BREAKING = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL takes neither.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Malformed(Exception):
    """What came is not what was agreed. Its sentence is for the sender's engineers."""


def parse(body: bytes) -> dict[str, Any]:
    """
    Return the object that the body is.

    :raises Malformed: if it is not one, in UTF-8, with each field once.
    """
    try:
        return of_object(_DECODER.decode(body.decode("utf-8")), "The body")
    except RecursionError as error:
        raise Malformed("The body is nested too deeply.") from error
    except ValueError as error:  # Not UTF-8, not JSON.
        raise Malformed("The body is not JSON in UTF-8.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two parsers may choose different ones of two equal keys; we choose neither.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("A field is there twice.")
    return found


def _refuse_constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON.")


def _bounded(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS:
        raise Malformed("A number is too large.")
    return int(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_bounded
)


def of_object(value: Any, name: str) -> dict[str, Any]:
    """
    Return the value, which must be an object.

    :raises Malformed: if it is something else; name says what.
    """
    if not isinstance(value, dict):
        raise Malformed(f"{name} is not an object.")
    return value


def text(source: dict[str, Any], name: str, *, most: int) -> str:
    """
    Return a text of 1 to most characters, none of them a control.

    :raises Malformed: if the field is something else.
    """
    value = source.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is missing or not a text.")
    if not 1 <= len(value) <= most or not value.strip() or _CONTROLS.search(value):
        raise Malformed(f"{name} is empty, too long or has control characters.")
    return value


def text_or_null(source: dict[str, Any], name: str, *, most: int) -> str | None:
    """
    Return such a text, or None for null; the field must be there.

    :raises Malformed: if it is something else.
    """
    if name in source and source[name] is None:
        return None
    return text(source, name, most=most)


def words(source: dict[str, Any], name: str) -> str | None:
    """
    Return a bank's words on one line, or None. They are for people: little of them is refused.

    :raises Malformed: if the field is missing, too long, or neither a text nor null.
    """
    value = source.get(name, 0)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 200 or _BREAKING.search(value):
        raise Malformed(f"{name} is missing, too long, or neither a text nor null.")
    return " ".join(_CONTROLS.sub(" ", value).split()) or None


def whole(source: dict[str, Any], name: str) -> int:
    """
    Return a whole number of up to 18 digits.

    :raises Malformed: if the field is something else.
    """
    value = source.get(name)
    if type(value) is not int:  # A bool is an int to isinstance.
        raise Malformed(f"{name} is missing or not a whole number.")
    return value


def instant(source: dict[str, Any], name: str) -> datetime:
    """
    Return a time with its zone.

    :raises Malformed: if the field is something else.
    """
    try:
        at = datetime.fromisoformat(text(source, name, most=40))
    except ValueError as error:
        raise Malformed(f"{name} is not an ISO 8601 time.") from error
    if at.tzinfo is None:
        raise Malformed(f"{name} has no time zone.")
    return at
