"""
Statements on their way to PostgreSQL: prepared once on each connection, several in one round trip.

This is libpq's own pipeline, by way of psycopg.pq. psycopg's Pipeline waits at the socket in every
step, and what a payment says to the database then costs thrice as much (docs/decisions/0014).
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from select import POLLIN, POLLOUT
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from psycopg import Connection, DataError, InternalError, OperationalError, abc, errors
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from nexapay.kernel.arrays import TEXTS
from nexapay.kernel.sockets import is_ready

Rows = list[tuple[Any, ...]]
_PLACE = re.compile("%[s%]")
# Looked up once: a member of an enum costs as much as a call of a function.
_IDLE, _ALIVE, _SYNC = TransactionStatus.IDLE, ConnStatus.OK, ExecStatus.PIPELINE_SYNC
_BINARY = Format.BINARY
_DONE = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, _SYNC}


class Statement:
    """SQL with places for values: %s, as psycopg writes them; a percent sign itself is %%."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        # By what it says: behind a pooler another process's statements are on the same connection.
        self.name = b"nexapay_" + sha256(sql.encode()).hexdigest()[:24].encode()

    @property
    def command(self) -> bytes:
        """The SQL with PostgreSQL's own places: $1, $2."""
        places = count(1)
        return _PLACE.sub(
            lambda found: "%" if found[0] == "%%" else f"${next(places)}", self.sql
        ).encode()


class Message(NamedTuple):
    """A statement, and for its places values: of the types in arrays.TEXTS, str or None."""

    statement: Statement
    values: Sequence[object] = ()


# What a connection has prepared, and how the rows of each statement are read. By name: two threads
# that compile the same query at once make two Statements of it, and PostgreSQL knows one.
_Prepared = dict[bytes, abc.Transformer | None]
_prepared: "WeakKeyDictionary[Connection[Any], _Prepared]" = WeakKeyDictionary()

# What a statement was prepared for has changed, or the server has forgotten it, or has one that we
# do not know of. A new connection prepares it anew.
_STALE = {"0A000", "26000", "42P05"}


def run(
    connection: "Connection[Any]", messages: Sequence[Message], *, commit: bool = False
) -> list[Rows]:
    """
    Run statements one after the other in one round trip, and return the rows of each.

    Without autocommit the first of a transaction begins it, as psycopg's own statements do; commit
    ends it behind the last. What is both needs no word for either: all that comes before one sync
    is one transaction (docs/decisions/0033).

    :raises psycopg.Error: what PostgreSQL said to the first that failed; the rest did not run.
    """
    pgconn = connection.pgconn
    idle = pgconn.transaction_status == _IDLE
    if idle and not messages:
        return []
    begin = [b"BEGIN"] if idle and not connection.autocommit and not commit else []
    end = [b"COMMIT"] if commit and not idle else []
    known = _prepared.setdefault(connection, {})
    fresh = {m.statement.name: m.statement for m in messages if m.statement.name not in known}
    results = _exchange(pgconn, begin, list(fresh.values()), messages, end)
    prepared, answers = results[len(begin) :], results[len(begin) + len(fresh) :]
    if fresh:
        said = zip(fresh, prepared, strict=False)
        known.update((name, None) for name, result in said if result.status in _DONE)
    if error := _error(results) or _undone(results, end):
        if getattr(error, "sqlstate", None) in _STALE:
            pgconn.finish()
        raise error
    return [
        _read(connection, known, message.statement, result)
        for message, result in zip(messages, answers, strict=False)
    ]


def trust_if_quiet(wrapper: Any) -> None:
    """
    Do for Django's connection what CONN_HEALTH_CHECKS asks for, where the socket can tell.

    A server that has ended a connection has said so: nothing to read means that it lives. Only
    otherwise does Django ask, with a round trip of its own.
    """
    if wrapper.connection and not wrapper.connection.closed:
        wrapper.health_check_done = not is_ready(wrapper.connection.pgconn.socket, POLLIN, 0)


def _exchange(
    pgconn: PGconn,
    begin: list[bytes],
    fresh: list[Statement],
    messages: Sequence[Message],
    end: list[bytes],
) -> list[PGresult]:
    """Return the answers: to BEGIN, each preparation, each message, COMMIT, and the sync."""
    encoded = [[_encode(value) for value in message.values] for message in messages]
    pgconn.enter_pipeline_mode()
    try:
        for command in begin:
            pgconn.send_query_params(command, None)
        for statement in fresh:
            pgconn.send_prepare(statement.name, statement.command)
        for (statement, _), values in zip(messages, encoded, strict=True):
            pgconn.send_query_prepared(statement.name, values, None, _BINARY)
        for command in end:
            pgconn.send_query_params(command, None)
        pgconn.pipeline_sync()
        results = _receive(pgconn)
        if pgconn.status == _ALIVE:
            pgconn.exit_pipeline_mode()
        return results
    except BaseException:
        pgconn.finish()  # Nobody may take the rest of this for the answer to something else.
        raise


def _receive(pgconn: PGconn) -> list[PGresult]:
    """Return every answer, the sync's as well: that is when it commits, but for a longer one."""
    _flush(pgconn)
    results = []
    while pgconn.status == _ALIVE:
        # get_result would wait as well, but with the whole process: it does not release the GIL.
        while pgconn.is_busy():
            is_ready(pgconn.socket, POLLIN)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is not None:  # None only parts one message's answers from the next's.
            results.append(result)
            if result.status == _SYNC:
                break
    return results


def _flush(pgconn: PGconn) -> None:
    while pgconn.flush():
        is_ready(pgconn.socket, POLLIN | POLLOUT)
        pgconn.consume_input()


def _encode(value: object) -> bytes | None:
    if value is None:
        return None
    encoded = value if isinstance(value, str) else TEXTS[type(value)](value)
    if "\0" in encoded:
        raise DataError("PostgreSQL keeps no text with a NUL in it.")
    return encoded.encode()


def _read(
    connection: "Connection[Any]", known: _Prepared, statement: Statement, result: PGresult
) -> Rows:
    reader = known[statement.name]
    if reader is None:
        reader = known[statement.name] = Transformer(connection)
        reader.set_pgresult(result)
    else:
        reader.set_pgresult(result, set_loaders=False)
    return reader.load_rows(0, result.ntuples, tuple)


def _undone(results: list[PGresult], end: list[bytes]) -> Exception | None:
    """Return an error if COMMIT was answered by ROLLBACK: something failed, and was passed over."""
    if end and results[-2].command_status != b"COMMIT":
        return InternalError("The transaction had failed, and was rolled back.")
    return None


def _error(results: list[PGresult]) -> Exception | None:
    """Return what went wrong first, if anything did."""
    for result in results:
        if result.status not in _DONE:
            return errors.error_from_result(result)
    if not results or results[-1].status != _SYNC:
        return OperationalError("The connection to the database is lost.")
    return None
