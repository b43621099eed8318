"""
Statements as CAMT.053 (ISO 20022, bank-to-customer statement), of any version that banks send.

Read with expat by its events, so that one entry is in memory at a time. A document type, the only
place where XML may define entities or name files, is refused.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from onramp.statements.balances import Balances
from onramp.statements.bookings import Booking
from onramp.statements.lines import BadStatement, StatementLine

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2}")
_CHUNK = 64 * 1024
_MAX_DEPTH = 40
_MAX_TEXT = 1_000
_STATEMENT = ["Document", "BkToCstmrStmt", "Stmt"]
_ENTRY = [*_STATEMENT, "Ntry"]
_BALANCE = [*_STATEMENT, "Bal"]
_ACCOUNTS = ("Acct/Id/Othr/Id", "Acct/Id/IBAN")
_COUNT = "TxsSummry/TtlNtries/NbOfNtries"


def read(stream: BinaryIO) -> Iterator[StatementLine]:
    """
    Yield the lines: one for each booked entry, or for each payment of an entry that is a batch.

    :raises BadStatement: at the first thing that is malformed or does not add up.
    """
    reader = _Reader()
    while chunk := stream.read(_CHUNK):
        reader.feed(chunk)
        yield from reader.take()
    reader.close()
    yield from reader.take()


class _Reader:
    """Gathers lines while expat reads."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse
        self._parser.EntityDeclHandler = _refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._said
        self._path: list[str] = []
        self._text = ""
        self._entry: Booking | None = None
        self._lines: list[StatementLine] = []
        self._account = self._counted = ""
        self._entries = self._statements = 0
        self._balances = Balances()

    def feed(self, chunk: bytes, *, is_last: bool = False) -> None:
        """Read on."""
        try:
            self._parser.Parse(chunk, is_last)
        except expat.ExpatError as error:
            raise BadStatement(f"is not well-formed XML at line {error.lineno}") from error
        except (LookupError, ValueError) as error:
            raise BadStatement("is in an encoding that we do not know") from error

    def close(self) -> None:
        """Read to the end."""
        self.feed(b"", is_last=True)
        if not self._statements:
            raise BadStatement("is no CAMT.053: it holds no statement")

    def take(self) -> list[StatementLine]:
        """Return the lines that were read since the last time."""
        taken, self._lines = self._lines, []
        return taken

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if not self._path and not (local == "Document" and _NAMESPACE.fullmatch(namespace)):
            raise BadStatement("is no CAMT.053")
        self._path.append(local)
        self._text = ""
        if len(self._path) > _MAX_DEPTH:
            raise BadStatement("is nested too deeply")
        if self._entry:
            self._entry.opens(self._path[4:], attributes)
        elif self._path == _ENTRY:
            self._entry = Booking()
        elif self._path == _STATEMENT:
            self._account, self._counted, self._entries = "", "", 0
            self._balances = Balances()
        elif self._path[:4] == _BALANCE:
            self._balances.opens("/".join(self._path[4:]), attributes)

    def _said(self, text: str) -> None:
        self._text += text
        if len(self._text) > _MAX_TEXT:
            raise BadStatement("has a field that is too long")

    def _end(self, name: str) -> None:
        path, text = self._path, self._text.strip()
        if path == _ENTRY and self._entry:
            self._entries += 1
            booked = self._entry.lines(self._account)
            self._balances.book(booked)
            self._lines += booked
            self._entry = None
        elif self._entry:
            self._entry.closes("/".join(path[4:]), text)
        elif path == _STATEMENT:
            self._check_count()
            self._balances.check()
        elif path == _BALANCE:
            self._balances.end()
        elif path[:4] == _BALANCE:
            self._balances.closes("/".join(path[4:]), text)
        elif path[:3] == _STATEMENT:
            self._note("/".join(path[3:]), text)
        path.pop()
        self._text = ""

    def _note(self, field: str, text: str) -> None:
        if field in _ACCOUNTS:
            self._account = text
        elif field == _COUNT:
            self._counted = text

    def _check_count(self) -> None:
        self._statements += 1
        if self._counted and self._counted != str(self._entries):
            raise BadStatement(f"has {self._entries} entries, and says that it has others")


def _refuse(*_: object) -> None:
    raise BadStatement("has a document type, which we do not take")
