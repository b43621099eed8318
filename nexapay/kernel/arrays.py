"""Values, and columns of them, as PostgreSQL reads them in text."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from types import NoneType
from typing import Any
from uuid import UUID


def columns(rows: Sequence[tuple[object, ...]], width: int) -> list[str]:
    """
    Turn rows of width values each into one array literal for each column, for unnest.

    Several times as fast as psycopg's own arrays, which look at every element twice.

    :raises KeyError: for a value of a type that is not in _FORMS.
    """
    return [literal(column) for column in zip(*rows, strict=True)] or ["{}"] * width


def literal(values: Iterable[object]) -> str:
    """Write values as PostgreSQL reads an array; cast it to its type in the statement."""
    return "{" + ",".join(_forms(list(values))) + "}"


def _forms(values: list[object]) -> Iterable[str]:
    """Write each; a column of one type, as most are, is looked up once."""
    types = set(map(type, values))
    if len(types) == 1:
        return map(_FORMS[types.pop()], values)
    return [_FORMS[type(value)](value) for value in values]


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _hex(value: bytes) -> str:
    return '"\\\\x' + value.hex() + '"'


_uuid = attrgetter("hex")  # Hyphens are optional, and half of what it costs to write one.
_FORMS: dict[type, Callable[[Any], str]] = {
    NoneType: lambda value: "NULL",
    int: str,
    str: _quoted,
    UUID: _uuid,
    bytes: _hex,
    datetime: datetime.isoformat,
}

# How one value is written, or a list of them as an array.
TEXTS: dict[type, Callable[[Any], str]] = {
    bool: str,
    int: str,
    UUID: _uuid,
    bytes: lambda value: "\\x" + value.hex(),
    datetime: datetime.isoformat,
    list: literal,
}
