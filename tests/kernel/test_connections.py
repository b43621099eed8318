"""A transaction begins as Django has it begin, in fewer steps."""

from typing import cast

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from nexapay.kernel.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


def ours() -> DatabaseWrapper:
    return cast(DatabaseWrapper, connections["default"])


def ask(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchone()[0])


def end_the_connection() -> None:
    """Let the server end it, as it does when it restarts."""
    with pytest.raises(OperationalError):
        ask("SELECT pg_terminate_backend(pg_backend_pid())")


class TestATransaction:
    def test_is_rolled_back_as_a_whole(self) -> None:
        before = ask("SELECT txid_current()")

        with transaction.atomic():
            assert ask("SELECT txid_current()") == ask("SELECT txid_current()") != before
            transaction.set_rollback(True)

    def test_leaves_each_statement_behind_it_to_itself(self) -> None:
        with transaction.atomic():
            assert not transaction.get_autocommit()

        assert transaction.get_autocommit()
        assert ask("SELECT txid_current()") != ask("SELECT txid_current()")

    def test_is_heard_of_where_queries_are_logged(self) -> None:
        with CaptureQueriesContext(connection) as context, transaction.atomic():
            ask("SELECT 1")

        assert [query["sql"] for query in context] == ["BEGIN", "SELECT 1", "COMMIT"]

    def test_does_not_begin_inside_another_by_hand(self) -> None:
        with transaction.atomic(), pytest.raises(TransactionManagementError):
            transaction.set_autocommit(False)

    def test_begins_on_a_new_connection_where_the_old_one_is_dead(self) -> None:
        """Guard: the look whether it lives, for who asked for one (CONN_HEALTH_CHECKS)."""
        end_the_connection()
        ours().health_check_enabled, ours().health_check_done = True, False

        with transaction.atomic():
            assert ask("SELECT 1") == "1"

    def test_looks_once_whether_its_connection_lives(self) -> None:
        ask("SELECT 1")
        ours().health_check_enabled, ours().health_check_done = True, False

        with CaptureQueriesContext(connection) as context, transaction.atomic():
            ask("SELECT 1")

        assert ours().health_check_done
        assert len(context) == 3
