"""What is tried again after a deadlock, and what never is."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from nexapay.kernel import db
from tests.threads import at_once


def failing(*errors: Exception) -> Callable[[], str]:
    """Return an act that raises these, one after the other, and then succeeds."""
    left: Iterator[Exception] = iter(errors)

    def act() -> str:
        for error in left:
            raise error
        return "done"

    return act


def operational(cause: psycopg.Error) -> OperationalError:
    error = OperationalError("told by the database")
    error.__cause__ = cause
    return error


class TestRetrying:
    @pytest.mark.parametrize(
        "cause", [psycopg.errors.DeadlockDetected(), psycopg.errors.SerializationFailure()]
    )
    def test_runs_again_what_did_nothing(self, cause: psycopg.Error) -> None:
        assert db.retrying(failing(*[operational(cause)] * 4)) == "done"

    def test_gives_up_after_five_attempts(self) -> None:
        deadlock = operational(psycopg.errors.DeadlockDetected())

        with pytest.raises(db.Busy, match="Nothing was changed"):
            db.retrying(failing(*[deadlock] * 5))

    def test_says_busy_at_once_when_a_lock_is_not_to_be_had(self) -> None:
        with pytest.raises(db.Busy):
            db.retrying(failing(operational(psycopg.errors.LockNotAvailable())))

    def test_never_runs_again_what_may_have_happened(self) -> None:
        lost = operational(psycopg.OperationalError("the connection is lost"))

        with pytest.raises(OperationalError):
            db.retrying(failing(lost))


@pytest.mark.django_db(transaction=True)
def test_two_that_deadlock_both_succeed() -> None:
    """Guard: the retry. PostgreSQL ends one of them; without it that one would fail."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE two (id int PRIMARY KEY, hits int NOT NULL)")
        cursor.execute("INSERT INTO two VALUES (1, 0), (2, 0)")

    def hit(first: int, second: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE two SET hits = hits + 1 WHERE id = %s", [first])
            cursor.execute("SELECT pg_sleep(0.2)")
            cursor.execute("UPDATE two SET hits = hits + 1 WHERE id = %s", [second])

    try:
        acts = [lambda: db.retrying(lambda: hit(1, 2)), lambda: db.retrying(lambda: hit(2, 1))]
        assert at_once(acts) == [None, None]
        with connection.cursor() as cursor:
            cursor.execute("SELECT hits FROM two")
            assert cursor.fetchall() == [(2,), (2,)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE two")
