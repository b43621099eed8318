"""
Two roles: one owns the tables and migrates, the other serves and may only read and write rows.

Whoever owns a table may take its triggers away, so the processes that strangers talk to should not.
The serving role is called nexapay_app; where there is none, one role does both.
"""

from django.db import connection

APP_ROLE = "nexapay_app"


def let_the_app_serve() -> None:
    """Grant the serving role rows and sequences of every table there is: no DDL, no TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_schema() FROM pg_roles WHERE rolname = %s AND rolname <> current_user",
            [APP_ROLE],
        )
        found = cursor.fetchone()
        if found is None:
            return
        schema = connection.ops.quote_name(found[0])
        rows = "SELECT, INSERT, UPDATE, DELETE"
        cursor.execute(f"GRANT {rows} ON ALL TABLES IN SCHEMA {schema} TO {APP_ROLE}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {APP_ROLE}")
