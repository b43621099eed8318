"""Whether the database answers, asked on a connection of its own so that it never takes long."""

import psycopg
from django.db import connection
from django.db.migrations.loader import MigrationLoader

TIMEOUT_S = 2


def waiting_migrations() -> set[tuple[str, str]]:
    """
    Return the newest migrations on disk that the database has not applied.

    A connection that is open already waits for as long as a stopped PostgreSQL does; only making
    one has a time limit.

    :raises psycopg.Error: if the database does not answer within about two seconds.
    """
    return set(MigrationLoader(None).graph.leaf_nodes()) - _applied()


def _applied() -> set[tuple[str, str]]:
    given = connection.get_connection_params()
    ours = {"cursor_factory", "context"}  # Django's, for its own cursors
    parameters = {name: value for name, value in given.items() if name not in ours}
    with psycopg.connect(**parameters | {"connect_timeout": TIMEOUT_S}) as asked:
        try:
            return set(asked.execute("SELECT app, name FROM django_migrations").fetchall())
        except psycopg.errors.UndefinedTable:
            return set()  # Nothing was migrated yet.
