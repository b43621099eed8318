"""
Reconciling a day: the bank's statement is kept line by line and held against the ledger.

All of it is one transaction. One reconciliation runs at a time: each judges its neighbours' days.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import ClientCursor

from nexapay.kernel import dates, db
from onramp import banks, matching, statements
from onramp.models import Statement

# How far from its day's ends a movement may stand on the neighbouring day's statement.
NEAR = timedelta(hours=2)
_OURS_ALONE = 0x6E78_7265_636F  # An advisory lock that nothing else in this database takes.
_STEP = 10_000
_CATCH_UP_DAYS = 7
_COPY = (
    "COPY onramp_statementline (statement_id, number, bank, bank_reference, token, reference,"
    " kind, is_credit, amount_minor, currency, booked_at) FROM STDIN"
)
_LOCK_NOT_AVAILABLE = "55P03"
_FIGURES = (
    *("matched", "missing_here", "differs", "repeated", "waiting"),
    *("missing_there", "waiting_there"),
)
_Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Given:
    """A statement as it came: of which bank and day, in which of statements.FORMATS."""

    bank: str
    day: date
    format: str
    body: bytes


def fetch_statement(*, day: date) -> Given:
    """
    Ask our bank for its statement of a day.

    :raises banks.BankUnreachable: if it does not answer with one.
    :raises banks.NoStatement: if it publishes none.
    """
    bank = banks.get_bank()
    return Given(bank=bank.name, day=day, format="csv", body=bank.statement(day=day, format="csv"))


def days_due(*, now: datetime) -> list[date]:
    """
    Return the days that are over and have no whole statement yet, the earliest first.

    Yesterday always is one of them; earlier days are since statements began, and of one week.
    """
    yesterday = dates.day_of(now) - timedelta(days=1)
    kept = Statement.objects.filter(bank=banks.get_bank().name, superseded_at=None, is_whole=True)
    earliest = yesterday - timedelta(days=_CATCH_UP_DAYS)
    have = set(kept.filter(day__gte=earliest).values_list("day", flat=True))
    days = (earliest + timedelta(days=n) for n in range(_CATCH_UP_DAYS))
    return [*(day for day in days if have and min(have) < day not in have), yesterday]


def reconcile(*, given: Given, now: datetime, progress: _Progress = lambda line: None) -> Statement:
    """
    Hold a statement against the ledger; return it with its figures.

    The same bytes as the day's newest statement are that statement, matched anew; others supersede
    it. Breaks that were known stay as they are, with what staff did about them.

    :raises statements.BadStatement: if it cannot be trusted; nothing is kept of it.
    :raises db.Busy: if another reconciliation is running.
    """
    if given.day > dates.day_of(now):
        raise statements.BadStatement("is of a day that has not begun")
    with _alone():
        statement = _kept(given, now, progress)
        figures = _match(statement, now, progress)
        for name, value in figures.items():
            setattr(statement, name, value)
        statement.save(update_fields=list(figures))
        return statement


@contextmanager
def _alone() -> Iterator[None]:
    with transaction.atomic(), db.whole_tables(), connection.cursor() as cursor:
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_OURS_ALONE])
        except OperationalError as error:
            if db.sqlstate(error) != _LOCK_NOT_AVAILABLE:
                raise
            raise db.Busy("Another reconciliation is running. Try again in a minute.") from error
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL work_mem = '64MB'")
        # Compiling the long expressions takes longer than it saves.
        cursor.execute("SET LOCAL jit = off")
        yield


def _kept(given: Given, now: datetime, progress: _Progress) -> Statement:
    """Return the row of this statement: the day's newest if that is the same, or a new one."""
    digest = sha256(given.body).digest()
    days = Statement.objects.filter(bank=given.bank, day=given.day, superseded_at=None)
    if (newest := days.first()) and bytes(newest.sha256) == digest:
        return newest
    days.update(superseded_at=now)
    statement = Statement.objects.create(
        bank=given.bank, day=given.day, format=given.format, sha256=digest, loaded_at=now
    )
    statement.lines = _copy(statement.pk, given, progress)
    return statement


def _copy(statement_id: int, given: Given, progress: _Progress) -> int:
    """Keep every line; return how many there are."""
    lines = statements.read(body=given.body, format=given.format, day=given.day)
    number = 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for number, line in enumerate(lines, 1):
            bank, bank_reference, token, reference, kind, *rest = line
            copy.write_row(
                (statement_id, number, bank, bank_reference, token, reference, kind.value, *rest)
            )
            if number % _STEP == 0:
                progress(f"Reading … {number:,} lines")
    progress(f"Read {number:,} lines.")
    return number


def _match(statement: Statement, now: datetime, progress: _Progress) -> dict[str, Any]:
    """Compare, bring the breaks up to date, and return the statement's figures."""
    ends_at = dates.midnight(statement.day + timedelta(days=1))
    is_whole = now >= ends_at
    Statement.objects.filter(pk=statement.pk).update(is_whole=is_whole)
    terms = {
        "bank": statement.bank,
        "day": statement.day,
        "statement": statement.pk,
        "since": dates.midnight(statement.day) - NEAR,
        "until": ends_at + NEAR,
        "near": f"{NEAR.total_seconds():.0f} seconds",
        "zone": settings.TIME_ZONE,
        "now": now,
    }
    for title, steps in matching.STEPS.items():
        progress(f"{title} …")
        for step in steps:
            _run(step, terms)
    counted = dict(_run(matching.COUNTS, terms))
    _run(matching.FORGET, terms)
    figures = {name: counted.get(name, 0) for name in _FIGURES}
    return {"lines": statement.lines, "is_whole": is_whole, "matched_at": now} | figures


def _run(sql: str, terms: dict[str, Any]) -> list[tuple[Any, ...]]:
    # Values are written in by psycopg: a statement that makes a table takes no parameters.
    with connection.wrap_database_errors, ClientCursor(connection.connection) as cursor:
        cursor.execute(sql.encode(), terms)
        return cursor.fetchall() if cursor.description else []
