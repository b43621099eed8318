"""What a bank's webhook may say, read without mercy: one form, every field of its own type."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_BYTES = 64 * 1024
_MAX_DIGITS = 18  # Every such number fits a BIGINT.
_BREAKING = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL takes neither.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Malformed(Exception):
    """The body is not a message we know. Its sentence is for the bank's engineers."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A bank's word on one on-ramp. amount_minor is in minor units of currency."""

    succeeded: bool
    token: str
    amount_minor: int
    currency: str
    bank_reference: str | None
    reason: str | None


def read(body: bytes) -> Message:
    """
    Return what the body says.

    Fields we do not know are left alone: a bank may add some. A failure may lack a reference and a
    reason (null), a success always has its reference.

    :raises Malformed: if it is not JSON, or a field is missing, of another type or out of form.
    """
    said = _object(_parse(body), "The body")
    kind = _text(said, "type", most=64)
    if kind not in ("onramp.success", "onramp.failure"):
        raise Malformed("type is not one we know.")
    _instant(said, "timestamp")
    data = _object(said.get("data"), "data")
    succeeded = kind == "onramp.success"
    return Message(
        succeeded=succeeded,
        token=_text(data, "token", most=128),
        amount_minor=_whole(data, "amount_minor"),
        currency=_text(data, "currency", most=8),
        bank_reference=_text(data, "bank_reference", most=64)
        if succeeded
        else _text_or_null(data, "bank_reference", most=64),
        reason=_reason(data),
    )


def _parse(body: bytes) -> Any:
    try:
        return _DECODER.decode(body.decode("utf-8"))
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


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{name} is not an object.")
    return value


def _text(source: dict[str, Any], name: str, *, most: int) -> str:
    value = source.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is missing or not a text.")
    if not 1 <= len(value) <= most or not value.strip() or _CONTROLS.search(value):
        raise Malformed(f"{name} is empty, too long or has control characters.")
    return value


def _text_or_null(source: dict[str, Any], name: str, *, most: int) -> str | None:
    if name in source and source[name] is None:
        return None
    return _text(source, name, most=most)


def _reason(source: dict[str, Any]) -> str | None:
    """Return the bank's words on one line. They are for people: little of them is refused."""
    value = source.get("reason", 0)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 200 or _BREAKING.search(value):
        raise Malformed("reason is missing, too long, or neither a text nor null.")
    return " ".join(_CONTROLS.sub(" ", value).split()) or None


def _whole(source: dict[str, Any], name: str) -> int:
    value = source.get(name)
    if type(value) is not int:  # A bool is an int to isinstance.
        raise Malformed(f"{name} is missing or not a whole number.")
    return value


def _instant(source: dict[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(source, name, most=40))
    except ValueError as error:
        raise Malformed(f"{name} is not an ISO 8601 time.") from error
    if at.tzinfo is None:
        raise Malformed(f"{name} has no time zone.")
    return at
