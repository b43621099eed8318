"""Hold a bank's statement of a day against the ledger, from the command line."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from nexapay.kernel.db import Busy
from onramp import banks, services, statements
from onramp.desk import reads
from onramp.models import Statement

_FIGURES = (
    *("lines", "matched", "missing_here", "missing_there", "differs", "repeated"),
    *("waiting", "waiting_there"),
)


class Command(BaseCommand):
    help = "Reconcile a day with the bank. Exits 1 with one line for each open break."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a day, and a file where the bank is not to be asked."""
        parser.add_argument(
            "--date", type=_day, required=True, metavar="YYYY-MM-DD", help="the bank's booking day"
        )
        parser.add_argument(
            "--file", type=Path, metavar="FILE", help="a statement that was got elsewhere"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reconcile, then say what was found."""
        quiet = options["json"] and not self.stderr.isatty()
        progress = (lambda line: None) if quiet else self.stderr.write
        statement = _reconcile(options["date"], options["file"], progress)
        breaks = reads.open_of(statement_id=statement.pk)
        found = [reads.in_a_line(each) for each in breaks]
        figures = {name: getattr(statement, name) for name in _FIGURES}
        if options["json"]:
            told = {"ok": not found, "is_whole": statement.is_whole}
            self.stdout.write(json.dumps(told | figures | {"breaks": found}))
        else:
            for line in found:
                self.stdout.write(line)
            self.stdout.write(", ".join(f"{n:,} {name}" for name, n in figures.items()) + ".")
        if found:
            raise CommandError(f"{len(found)} open breaks: the bank does not agree.", returncode=1)
        if not options["json"]:
            self.stdout.write(self.style.SUCCESS(reads.agreement(statement)))


def _reconcile(day: date, file: Path | None, progress: Any) -> Statement:
    try:
        given = _read(day, file) if file else services.fetch_statement(day=day)
        return services.reconcile(given=given, now=timezone.now(), progress=progress)
    except banks.BankUnreachable as error:
        raise CommandError(f"The bank gave no statement: {error}.", returncode=2) from error
    except banks.NoStatement as error:
        raise CommandError(f"{error}: give a file with --file.", returncode=2) from error
    except statements.BadStatement as error:
        raise CommandError(f"The statement {error}.", returncode=2) from error
    except Busy as error:
        raise CommandError(str(error), returncode=2) from error


def _read(day: date, file: Path) -> services.Given:
    try:
        if file.stat().st_size > statements.MAX_BYTES:
            raise statements.BadStatement(f"is larger than {statements.MAX_BYTES:,} bytes")
        body = file.read_bytes()
    except OSError as error:
        raise CommandError(f"--file: {file} cannot be read.", returncode=2) from error
    bank = banks.get_bank().name
    return services.Given(bank=bank, day=day, format=statements.format_of(body), body=body)


def _day(said: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise ArgumentTypeError(f"{said!r} is not a day, such as 2026-11-20") from error
    if not 2000 <= day.year < 2200:
        raise ArgumentTypeError(f"{said} is not a day of ours")
    return day
