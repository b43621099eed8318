"""What a transaction may run into, and which of it is safe to try again."""

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from django.db import DatabaseError, OperationalError, connection
from django.db.models import BooleanField, DateTimeField, Expression, Field, Func, QuerySet
from django.db.transaction import TransactionManagementError

_T = TypeVar("_T")
# Both mean: this transaction did nothing. With the same idempotency key it may run again.
_RETRIED = {"40P01", "40001"}
_ATTEMPTS = 5
_LOCK_NOT_AVAILABLE = "55P03"


class Busy(Exception):
    """Somebody else held the rows for too long. Nothing was changed."""


class ClockTimestamp(Func):
    """The database's clock as it reads now; now() is when the transaction began."""

    function = "clock_timestamp"
    output_field = DateTimeField()


class Parameter(Expression):
    """A value that is given to a Prepared query each time, in the place where this stands."""

    def __init__(self, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Leave the place open."""
        return "%s", [self]


class IsAnyOf(Func):
    """A condition: the column is one of a list, which is a Parameter. type is PostgreSQL's."""

    output_field = BooleanField()

    def __init__(self, column: str, type: str = "bigint") -> None:
        super().__init__(column)
        self.type = type

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **_: Any
    ) -> Any:
        """Leave the place of the list open."""
        column, nothing = compiler.compile(self.source_expressions[0])
        return f"{column} = ANY (%s::{self.type}[])", [*nothing, Parameter(self.output_field)]


class Prepared:
    """
    A query of the ORM that is compiled once: compiling it costs several times what running it does.

    make is called when it is used first. Its values are Parameters, given to rows() in the order in
    which they stand in the SQL.
    """

    def __init__(self, make: "Callable[[], QuerySet[Any, Any]]") -> None:
        self._make = make
        self._sql = ""
        self._locks = False

    def rows(self, *values: object) -> list[tuple[Any, ...]]:
        """
        Run it with these values and return the rows, as the database's own types.

        :raises TransactionManagementError: for select_for_update outside a transaction, where the
            lock would be gone at once.
        """
        if not self._sql:
            self._sql = self._compile(len(values))
        if self._locks and not connection.in_atomic_block:
            raise TransactionManagementError("A lock needs a transaction to live in.")
        with connection.cursor() as cursor:
            cursor.execute(self._sql, values)  # type: ignore[arg-type]
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def _compile(self, places: int) -> str:
        query = self._make().query
        self._locks = query.select_for_update
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        if len(parameters) != places or not all(isinstance(p, Parameter) for p in parameters):
            raise TypeError(f"The query has {parameters}, and {places} values are given.")
        return str(sql)


def sqlstate(error: DatabaseError) -> str | None:
    """Return PostgreSQL's code of what went wrong, such as 23505; None for a lost connection."""
    cause = error.__cause__
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def constraint(error: DatabaseError) -> str | None:
    """Return the name of the constraint that refused the statement, if one did."""
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None


def retrying(act: Callable[[], _T]) -> _T:
    """
    Run act, which is one whole transaction, again while it deadlocks or fails to serialize.

    :raises Busy: if it still does after five attempts, or a lock was not to be had in time.
    """
    for _ in range(_ATTEMPTS):
        try:
            return act()
        except OperationalError as error:
            code = sqlstate(error)
            if code == _LOCK_NOT_AVAILABLE:
                break
            if code not in _RETRIED:
                raise
    raise Busy("NexaPay is busy. Nothing was changed; try again in a moment.")
