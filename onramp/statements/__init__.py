"""
What a bank says it booked on one day: CSV of our own kind, and CAMT.053 as real banks send it.

A statement is read as a stream, line by line, and trusted in nothing: whatever is malformed, of
another day or too large is refused as a whole.
"""

from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from typing import BinaryIO

from onramp.statements import camt053, csv
from onramp.statements.lines import (
    MAX_BYTES,
    MAX_LINES,
    BadStatement,
    Kind,
    StatementLine,
)

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_LINES",
    "BadStatement",
    "Kind",
    "StatementLine",
    "format_of",
    "read",
]

FORMATS: dict[str, Callable[[BinaryIO], Iterator[StatementLine]]] = {
    "csv": csv.read,
    "camt053": camt053.read,
}


def format_of(body: bytes) -> str:
    """Return the name of the format that body seems to be in: XML begins with a bracket."""
    begins = body[:256].removeprefix(b"\xef\xbb\xbf").lstrip()
    is_wide = body[:2] in {b"\xff\xfe", b"\xfe\xff"}  # UTF-16, which only XML comes in.
    return "camt053" if is_wide or begins.startswith(b"<") else "csv"


def read(*, body: bytes, format: str, day: date) -> Iterator[StatementLine]:
    """
    Yield the lines of a day's statement, in their order. format is one of FORMATS.

    :raises BadStatement: at the first thing that is wrong, such as a line of another day.
    """
    if len(body) > MAX_BYTES:
        raise BadStatement(f"is larger than {MAX_BYTES:,} bytes")
    for number, line in enumerate(FORMATS[format](BytesIO(body)), 1):
        if number > MAX_LINES:
            raise BadStatement(f"has more than {MAX_LINES:,} lines")
        if line.booked_on != day:
            raise BadStatement(f"has line {number} booked on {line.booked_on}, not on {day}")
        yield line
