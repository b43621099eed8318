"""`manage.py prepare`: everything a database needs before it is served from, in one process."""

from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

# Any number, as long as it stays: whoever prepares the same database waits for this lock.
ADVISORY_LOCK = 7_205_759_403


class Command(BaseCommand):
    help = (
        "Apply the migrations that are missing and, if asked, make the demo people. One at a time."
    )
    requires_system_checks: list[str] = []  # Every process that serves runs them anyway.

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed-demo", action="store_true", help="also make the demo people")
        parser.add_argument("--sign-ins-to", type=Path, help="write the demo sign-ins to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        _wait_for_our_turn()
        self._migrate()
        if options["seed_demo"]:
            call_command("seed_demo", verbosity=0, stdout=self.stdout)
        if options["sign_ins_to"]:
            sign_ins = StringIO()
            call_command("seed_demo", "--sign-ins", stdout=sign_ins)
            options["sign_ins_to"].write_text(sign_ins.getvalue())
        _flush()

    def _migrate(self) -> None:
        """Migrate only when something is missing: even an empty run takes a second or so."""
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self.stdout.write(f"Applying {len(plan)} migrations ...")
            call_command("migrate", interactive=False, verbosity=0)


def _wait_for_our_turn() -> None:
    """Take the lock that keeps two starts apart, and the time that migrations need."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        reason = " ".join(str(error).split())
        raise CommandError(f"DATABASE_URL: the database cannot be reached: {reason}") from error
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        cursor.execute("RESET lock_timeout")
        # Hundreds of commits, of which a crash may cost the last ones; _flush() makes all durable.
        cursor.execute("SET synchronous_commit = off")


def _flush() -> None:
    """Commit something and wait for the disk: whatever was committed before is on it as well."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("CREATE TEMPORARY TABLE a_commit_that_waits ()")
