"""Prove the books from the command line."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from wallet import audit
from wallet.audit_tree import KeptHead


class Command(BaseCommand):
    help = "Recompute the books from the entries. Exits 1 with one line for each finding."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --json and --head."""
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
        parser.add_argument(
            "--head",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="a checkpoint that was kept elsewhere, or a folder of them; may be given again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, then say what was found."""
        quiet = options["json"] and not self.stderr.isatty()
        progress = (lambda line: None) if quiet else self.stderr.write
        heads = [head for path in options["head"] for head in _kept_heads(path)]
        report = audit.run(clock=timezone.now, progress=progress, heads=heads)
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


def _kept_heads(path: Path) -> list[KeptHead]:
    """Read a checkpoint, or every one of a folder."""
    try:
        files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
        heads = [
            KeptHead(f"the head in {file}", file.read_text(encoding="utf-8")) for file in files
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--head: {path} cannot be read.") from error
    if not heads:
        raise CommandError(f"--head: {path} holds no checkpoints, which are files named *.txt.")
    return heads
