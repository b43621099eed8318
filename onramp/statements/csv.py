"""
Statements as CSV: a header, a line for each booking, and `end,<how many>` so that none is cut off.

Before its end it may say what accounts held before its lines and after them:
`balance,<bank>,<currency>,<opening>,<closing>`. Amounts are whole minor units, below zero only in
balances; times are ISO 8601.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from typing import BinaryIO

from onramp.statements import balances, lines
from onramp.statements.lines import BadStatement, StatementLine

HEADER = [
    *("bank", "bank_reference", "token", "reference", "kind", "direction"),
    *("amount_minor", "currency", "booked_at"),
]
_DIRECTIONS = {"credit": True, "debit": False}
_DIGITS = re.compile(r"[0-9]{1,16}")
_SIGNED = re.compile(r"-?[0-9]{1,16}")
_BALANCE, _END = "balance", "end"
_BALANCE_FIELDS = 5
_CUT_OFF = "is cut off: its last line does not say that it ends"


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
    booked: Counter[tuple[str, str]] = Counter()
    for number, row in enumerate(rows, 1):
        if _is_balance(row) or row[:1] == [_END]:
            _check_rest(row, number - 1, booked, rows)
            return
        line = _line(row, number)
        booked[line.bank, line.currency] += line.signed_minor
        yield line
    raise BadStatement(_CUT_OFF)


def _is_balance(row: list[str]) -> bool:
    return row[:1] == [_BALANCE] and len(row) == _BALANCE_FIELDS


def _check_rest(
    row: list[str], number: int, booked: Mapping[tuple[str, str], int], rows: Iterator[list[str]]
) -> None:
    while _is_balance(row):
        _, bank, currency, opening, closing = row
        if not (_SIGNED.fullmatch(opening) and _SIGNED.fullmatch(closing)):
            raise BadStatement("has a balance without amounts")
        known = (lines.bank(bank), lines.currency(currency))
        balances.check(int(opening), booked[known], int(closing), known[1])
        row = next(rows, [])
    if row[:1] != [_END]:
        raise BadStatement(_CUT_OFF)
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
