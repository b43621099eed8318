"""
Queries of the ORM that are compiled once: compiling one costs several times what running it does.

They are written as querysets and read as rows. A value that changes from call to call is a
Parameter; values are given to rows() in the order in which they stand in the SQL.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Expression, Field, Func, QuerySet
from django.db.transaction import TransactionManagementError
from psycopg.pq import Format

from nexapay.kernel.arrays import literal

Rows = list[tuple[Any, ...]]


class Parameter(Expression):
    """A value that is given each time, in the place where this stands."""

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
    One such query.

    make is called when it is used first.
    """

    def __init__(self, make: "Callable[[], QuerySet[Any, Any]]") -> None:
        self._make = make
        self._sql = ""
        self._parameters: list[object] = []
        self._locks = False

    def rows(self, *values: object) -> Rows:
        """
        Run it with these values and return the rows, as the database's own types.

        :raises TransactionManagementError: for select_for_update outside a transaction, where the
            lock would be gone at once.
        """
        with connection.cursor() as cursor:
            self.start(cursor, *values)
            rows: Rows = cursor.fetchall()
            return rows

    def start(self, cursor: Any, *values: object) -> None:
        """Send it on this cursor."""
        if not self._sql:
            self._compile(len(values))
        if self._locks and not connection.in_atomic_block:
            raise TransactionManagementError("A lock needs a transaction to live in.")
        cursor.cursor.format = Format.BINARY  # Times and hashes need no parsing then.
        cursor.execute(self._sql, self._fill(values))

    def _fill(self, values: tuple[object, ...]) -> list[object]:
        """Return all parameters: those of the queryset itself, and values in the open places."""
        waiting = iter(values)
        filled = [next(waiting) if isinstance(p, Parameter) else p for p in self._parameters]
        return [literal(value) if isinstance(value, list) else value for value in filled]

    def _compile(self, places: int) -> None:
        query = self._make().query
        sql, parameters = query.get_compiler(connection=connection).as_sql()
        if sum(isinstance(p, Parameter) for p in parameters) != places:
            raise TypeError(f"{places} values are given for {parameters}.")
        self._locks, self._parameters, self._sql = query.select_for_update, list(parameters), sql


# A query and the values of its Parameters.
Asked = tuple[Prepared, tuple[object, ...]]


def together(*asked: Asked) -> list[Rows]:
    """
    Run queries one after the other in one round trip, and return the rows of each.

    PostgreSQL still runs them in order, each seeing what was committed when it began.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        cursors = [connection.cursor() for _ in asked]
        for cursor, (query, values) in zip(cursors, asked, strict=True):
            query.start(cursor, *values)
        return [cursor.fetchall() for cursor in cursors]
