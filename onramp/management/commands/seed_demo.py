"""Make demo people, or print how to sign in as one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from onramp import demo


class Command(BaseCommand):
    help = "Make demo people with months of history. Running it again adds nothing twice."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take --sign-ins."""
        parser.add_argument("--sign-ins", action="store_true", help="only print the sign-ins")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, or print."""
        if not options["sign_ins"]:
            demo.seed(now=timezone.now(), progress=self.stdout.write)
        if options["sign_ins"] or options["verbosity"]:
            for line in demo.sign_ins():
                self.stdout.write(line)
