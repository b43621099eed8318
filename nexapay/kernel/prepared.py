"""
Queries of the ORM that are compiled once: compiling one costs several times what running it does.

They are written as querysets and read as rows. A value that changes from call to call is a
Parameter; values are given to rows() in the order in which their Parameters are written, wherever
the ORM puts them. What the ORM does not write is a Prepared of the SQL itself.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from typing import Any, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BooleanField, Expression, Field, Func, Model, QuerySet
from django.db.models.base import ModelState
from django.db.transaction import TransactionManagementError

from nexapay.kernel import wire
from nexapay.kernel.postgresql.base import DatabaseWrapper, LastWords
from nexapay.kernel.wire import Message, Rows, Statement

_M = TypeVar("_M", bound=Model)
_numbers = count(1)


class Parameter(Expression):
    """A value that is given each time, in the place where this stands."""

    def __init__(self, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.number = next(_numbers)  # Copies that the ORM makes keep it.

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Leave the place open."""
        return "%s", [self]


class IsAnyOf(Func):
    """A condition: the column is one of a list, which is a Parameter. type is PostgreSQL's."""

    output_field = BooleanField()

    def __init__(self, column: str, type: str = "bigint") -> None:
        super().__init__(column)
        self.type = type
        self.list = Parameter(self.output_field)

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **_: Any
    ) -> Any:
        """Leave the place of the list open."""
        column, nothing = compiler.compile(self.source_expressions[0])
        return f"{column} = ANY (%s::{self.type}[])", [*nothing, self.list]


class _Place(NamedTuple):
    """Where in rows() the value stands."""

    number: int


class Prepared:
    """
    One such query.

    what is SQL, with %s for each value, or what makes the queryset: called when it is used first.
    """

    def __init__(self, what: "str | Callable[[], QuerySet[Any, Any]]") -> None:
        self._what = what
        self._statement: Statement | None = None
        self._parameters: list[object] = []
        self._locks = False

    def rows(self, *values: object) -> Rows:
        """
        Run it with these values and return the rows, as the database's own types.

        :raises TransactionManagementError: for select_for_update outside a transaction, where the
            lock would be gone at once.
        """
        return together((self, values))[0]

    def message(self, values: tuple[object, ...], wrapper: DatabaseWrapper) -> Message:
        """Return it with all its values: those of the queryset itself, and these."""
        if not self._statement:
            self._statement = self._compile(len(values), wrapper)
        if self._locks and not wrapper.in_atomic_block:
            raise TransactionManagementError("A lock needs a transaction to live in.")
        if not self._parameters:
            return Message(self._statement, values)
        filled = [values[p.number] if isinstance(p, _Place) else p for p in self._parameters]
        return Message(self._statement, filled)

    def _compile(self, places: int, wrapper: DatabaseWrapper) -> Statement:
        if isinstance(self._what, str):
            return Statement(self._what)
        query = self._what().query
        sql, parameters = query.get_compiler(connection=wrapper).as_sql()
        written = sorted({p.number for p in parameters if isinstance(p, Parameter)})
        if len(written) != places:
            raise TypeError(f"{places} values are given for {parameters}.")
        self._parameters = [
            _Place(written.index(p.number)) if isinstance(p, Parameter) else p for p in parameters
        ]
        self._locks = query.select_for_update
        return Statement(sql)


@cache
def columns_of(model: type[Model], prefix: str = "") -> tuple[str, ...]:
    """
    Return the names of all its columns, for values_list.

    :raises TypeError: for a field whose values the ORM makes of what the database says, or a model
        with an __init__ of its own.
    """
    if model.__init__ is not Model.__init__:
        raise TypeError(f"{model.__name__}: instance() does not call its __init__.")
    fields = model._meta.concrete_fields
    if made := [field.name for field in fields if hasattr(field, "from_db_value")]:
        raise TypeError(f"{model.__name__}: rows do not hold {made} as the ORM would.")
    return tuple(prefix + field.attname for field in fields)


def instance(model: type[_M], row: tuple[Any, ...]) -> _M:
    """Make the model's instance of a row of columns_of(model), as the ORM would."""
    # What Model.__init__ does for a row of all columns, without looking at each of them.
    made = model.__new__(model)
    made._state = ModelState()
    made._state.db, made._state.adding = DEFAULT_DB_ALIAS, False
    made.__dict__.update(zip(columns_of(model), row, strict=True))
    return made


# A query and the values of its Parameters.
Call = tuple[Prepared, tuple[object, ...]]


def together(*calls: Call) -> list[Rows]:
    """
    Run queries one after the other in one round trip, and return the rows of each.

    PostgreSQL still runs them in order, each seeing what was committed when it began.
    """
    wrapper = _wrapper()
    messages = _messages(wrapper, calls)
    wrapper.close_if_health_check_failed()
    wrapper.ensure_connection()
    with wrapper.wrap_database_errors:
        return wire.run(wrapper.connection, messages)


def at_commit(*calls: Call) -> LastWords:
    """
    Run queries as the last of this transaction, in the round trip that commits it.

    Their rows are there when the outermost atomic block has ended, which is where their errors are
    raised. Inside another block they run at once: its end is not this one's to see.

    :raises TransactionManagementError: outside a transaction.
    """
    wrapper = _wrapper()
    words = LastWords(_messages(wrapper, calls))
    if not wrapper.in_atomic_block:
        raise TransactionManagementError("The last words of no transaction.")
    if len(wrapper.atomic_blocks) == 1:
        wrapper.last_words.append(words)
    else:
        words.rows = together(*calls)
    return words


def _wrapper() -> DatabaseWrapper:
    # Asked once, because django.db.connection asks for the thread's own at each attribute.
    wrapper: DatabaseWrapper = connections[DEFAULT_DB_ALIAS]  # type: ignore[assignment]
    return wrapper


def _messages(wrapper: DatabaseWrapper, calls: Sequence[Call]) -> list[Message]:
    messages = [query.message(values, wrapper) for query, values in calls]
    wrapper.validate_no_broken_transaction()
    if wrapper.queries_logged:
        wrapper.queries_log.extend(_logged(message) for message in messages)
    return messages


def _logged(message: Message) -> dict[str, str]:
    return {"sql": message.statement.sql, "time": "0.000"}
