"""
Statements as CSV: a header, a line for each booking, and `end,<how many>` so that none is cut off.

Amounts are whole minor units, times ISO 8601.
"""

import csv
import re
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO

from onramp.statements import lines
from onramp.statements.lines import BadStatement, StatementLine

HEADER = [
    *("bank", "bank_reference", "token", "reference", "kind", "direction"),
    *("amount_minor", "currency", "booked_at"),
]
_DIRECTIONS = {"credit": True, "debit": False}
_DIGITS = re.compile(r"[0-9]{1,16}")
_END = "end"


def read(stream: BinaryIO) -> Iterator[StatementLine]:
    """
    Yield the lines.

    :raises BadStatement: at the first that is malformed, or if the end is missing.
    """
    text = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        yield from _lines(csv.reader(text, strict=True))
    except UnicodeDecodeError as error:
        raise BadStatement("is not UTF-8") from error
    except csv.Error as error:  # A quote that does not close, a field without end.
        raise BadStatement("is not well-formed CSV") from error


def _lines(rows: Iterator[list[str]]) -> Iterator[StatementLine]:
    if next(rows, None) != HEADER:
        raise BadStatement(f"does not begin with the header {','.join(HEADER)}")
    for number, row in enumerate(rows, 1):
        if row[:1] == [_END]:
            _check_end(row, number - 1, rows)
            return
        yield _line(row, number)
    raise BadStatement("is cut off: its last line does not say that it ends")


def _check_end(row: list[str], number: int, rows: Iterator[list[str]]) -> None:
    if row != [_END, str(number)]:
        raise BadStatement(f"has {number} lines, and says at its end that it has others")
    if next(rows, None) is not None:
        raise BadStatement("goes on after its end")


def _line(row: list[str], number: int) -> StatementLine:
    if len(row) != len(HEADER):
        raise BadStatement(f"has a line {number} that is not of {len(HEADER)} fields")
    bank, bank_reference, token, reference, kind, direction, minor, currency, booked_at = row
    if direction not in _DIRECTIONS or not _DIGITS.fullmatch(minor):
        raise BadStatement(f"has a line {number} without a direction or an amount")
    return StatementLine(
        bank=lines.bank(bank),
        bank_reference=lines.reference(bank_reference),
        token=lines.token(token) if token else "",
        reference=lines.reference(reference) if reference else "",
        kind=lines.kind(kind),
        is_credit=_DIRECTIONS[direction],
        amount_minor=lines.amount(int(minor)),
        currency=lines.currency(currency),
        booked_at=lines.instant(booked_at),
    )
