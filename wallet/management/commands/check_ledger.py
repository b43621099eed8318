"""Prove the books from the command line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from wallet import audit


class Command(BaseCommand):
    help = "Recompute the books from the entries. Exits 1 with one line for each finding."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --json."""
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, then say what was found."""
        quiet = options["json"] and not self.stderr.isatty()
        progress = (lambda line: None) if quiet else self.stderr.write
        report = audit.run(clock=timezone.now, progress=progress)
        findings = [str(finding) for finding in report.findings]
        if options["json"]:
            counts = {"wallets": report.wallets, "transfers": report.transfers}
            result = {"ok": report.ok, **counts, "entries": report.entries, "findings": findings}
            self.stdout.write(json.dumps(result))
        else:
            for line in findings:
                self.stdout.write(line)
            self.stdout.write(
                f"{report.wallets} wallets, {report.transfers} transfers, {report.entries} entries."
            )
        if not report.ok:
            raise CommandError(f"{len(findings)} findings: the books do not agree.", returncode=1)
        if not options["json"]:
            self.stdout.write(self.style.SUCCESS("The books agree."))
