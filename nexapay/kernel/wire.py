"""
Statements on their way to PostgreSQL: prepared once on each connection, several in one round trip.

This is libpq's own pipeline, by way of psycopg.pq. psycopg's Pipeline waits at the socket in every
step, and what a payment says to the database then costs thrice as much (docs/decisions/0014).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from select import POLLIN, POLLOUT, poll
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from psycopg import Connection, DataError, OperationalError, abc, errors
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from nexapay.kernel.arrays import text

Rows = list[tuple[Any, ...]]
_numbers = count(1)


class Statement:
    """SQL with places for values: %s, as psycopg writes them; a percent sign itself is %%."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.name = b"nexapay_%d" % next(_numbers)

    @property
    def command(self) -> bytes:
        """The SQL with PostgreSQL's own places: $1, $2."""
        first, *rest = self.sql.split("%s")
        numbered = "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
        return (first + numbered).replace("%%", "%").encode()


class Message(NamedTuple):
    """A statement, and for its places values of the types that arrays.text writes."""

    statement: Statement
    values: Sequence[object] = ()


# What a connection has prepared, and how the rows of each statement are read.
_Prepared = dict[Statement, abc.Transformer | None]
_prepared: "WeakKeyDictionary[Connection[Any], _Prepared]" = WeakKeyDictionary()

_BEGIN = Message(Statement("BEGIN"))


def run(connection: "Connection[Any]", messages: Sequence[Message]) -> list[Rows]:
    """
    Run statements one after the other in one round trip, and return the rows of each.

    Without autocommit the first of a transaction begins it, as psycopg's own statements do.

    :raises psycopg.Error: what PostgreSQL said to the first that failed; the rest did not run.
    """
    pgconn = connection.pgconn
    idle = pgconn.transaction_status == TransactionStatus.IDLE
    begin = [_BEGIN] if idle and not connection.autocommit else []
    queue = [*begin, *messages]
    known = _prepared.setdefault(connection, {})
    fresh = [s for s in dict.fromkeys(message.statement for message in queue) if s not in known]
    results = _exchange(pgconn, fresh, queue)
    known.update((s, None) for s, r in zip(fresh, results, strict=False) if _succeeded(r))
    if len(results) < len(fresh) + len(queue) or not _succeeded(results[-1]):
        raise _error(results)
    answers = zip(queue, results[len(fresh) :], strict=True)
    read = [_read(connection, known, message.statement, result) for message, result in answers]
    return read[len(begin) :]


def trust_if_quiet(wrapper: Any) -> None:
    """
    Do for Django's connection what CONN_HEALTH_CHECKS asks for, where the socket can tell.

    A server that has ended a connection has said so: nothing to read means that it lives. Only
    otherwise does Django ask, with a round trip of its own.
    """
    if wrapper.connection and not wrapper.connection.closed:
        wrapper.health_check_done = not _poll(wrapper.connection.pgconn, POLLIN, 0)


def _exchange(pgconn: PGconn, fresh: list[Statement], queue: list[Message]) -> list[PGresult]:
    encoded = [[_encode(value) for value in message.values] for message in queue]
    with _pipeline(pgconn):
        for statement in fresh:
            pgconn.send_prepare(statement.name, statement.command)
        for (statement, _), values in zip(queue, encoded, strict=True):
            pgconn.send_query_prepared(statement.name, values, None, Format.BINARY)
        pgconn.pipeline_sync()
        return list(_receive(pgconn, len(fresh) + len(queue)))


@contextmanager
def _pipeline(pgconn: PGconn) -> "Iterator[None]":
    pgconn.enter_pipeline_mode()
    try:
        yield
        if pgconn.status == ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    except BaseException:
        pgconn.finish()  # Nobody may take the rest of this for the answer to something else.
        raise


def _receive(pgconn: PGconn, number: int) -> "Iterator[PGresult]":
    """Yield an answer to each message: fewer, if the connection is lost."""
    _flush(pgconn)
    for _ in range(number):
        result = _next(pgconn)
        if result is None:
            return
        yield result
        _next(pgconn)  # None: it has no more to say to this message.
    _next(pgconn)  # The answer to the sync.


def _flush(pgconn: PGconn) -> None:
    while pgconn.flush():
        _poll(pgconn, POLLIN | POLLOUT)
        pgconn.consume_input()


def _next(pgconn: PGconn) -> PGresult | None:
    # get_result would wait as well, but with the whole process: it does not release the GIL.
    while pgconn.is_busy():
        _poll(pgconn, POLLIN)
        pgconn.consume_input()
    return pgconn.get_result()


def _poll(pgconn: PGconn, what: int, milliseconds: int | None = None) -> bool:
    """Wait until the socket is ready for it, and say whether it was in time."""
    poller = poll()
    poller.register(pgconn.socket, what)
    return bool(poller.poll(milliseconds))


def _encode(value: object) -> bytes | None:
    encoded = text(value)
    if encoded is None:
        return None
    if "\0" in encoded:
        raise DataError("PostgreSQL keeps no text with a NUL in it.")
    return encoded.encode()


def _read(
    connection: "Connection[Any]", known: _Prepared, statement: Statement, result: PGresult
) -> Rows:
    reader = known[statement]
    if reader is None:
        reader = known[statement] = Transformer(connection)
        reader.set_pgresult(result)
    else:
        reader.set_pgresult(result, set_loaders=False)
    return reader.load_rows(0, result.ntuples, tuple)


def _succeeded(result: PGresult) -> bool:
    return result.status in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}


def _error(results: list[PGresult]) -> Exception:
    for result in results:
        if not _succeeded(result):
            return errors.error_from_result(result)
    return OperationalError("The connection to the database is lost.")
