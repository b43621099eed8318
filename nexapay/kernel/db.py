"""What a transaction may run into, and which of it is safe to try again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import DateTimeField, Func

_T = TypeVar("_T")
_P = ParamSpec("_P")
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


# As PostgreSQL comes, where whoever serves plans otherwise (docs/decisions/0016).
_ITS_OWN = {
    "enable_seqscan": "on",
    "enable_mergejoin": "on",
    "enable_memoize": "on",
    "random_page_cost": "4",
}
# For one transaction; and back to what the session began with.
PLAN_WHOLE_TABLES = ";".join(f"SET LOCAL {name} = {value}" for name, value in _ITS_OWN.items())
_PLAN_ROWS = ";".join(f"SET LOCAL {name} TO DEFAULT" for name in _ITS_OWN)


@contextmanager
def whole_tables() -> Iterator[None]:
    """Let queries that sum or compare whole tables read them from end to end, in a transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PLAN_WHOLE_TABLES)
        yield
        cursor.execute(_PLAN_ROWS)


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


def retried(act: Callable[_P, _T]) -> Callable[_P, _T]:
    """Make act, which is one whole transaction, run as retrying runs it."""

    @wraps(act)
    def again(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return retrying(lambda: act(*args, **kwargs))

    return again
