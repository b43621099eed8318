"""What every test stands on: real PostgreSQL with every migration."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations


@pytest.fixture(autouse=True, scope="session")
def _emptying_may_touch_history() -> None:
    """Let the test runner empty tables between tests: our triggers refuse TRUNCATE, rightly."""
    flush: Callable[..., None] = DatabaseOperations.execute_sql_flush

    def flush_as_replica(self: DatabaseOperations, sql_list: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            flush(self, sql_list)

    DatabaseOperations.execute_sql_flush = flush_as_replica  # type: ignore[method-assign]
