"""Make demo people, or print how to sign in as one."""

from argparse import ArgumentParser
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from onramp import demo, demo_bank


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
            if settings.BANK == "simbank":
                _tell_the_bank()
        if options["sign_ins"] or options["verbosity"]:
            for line in demo.sign_ins():
                self.stdout.write(line)


def _tell_the_bank() -> None:
    """Give the simulated bank its part of the story, as its own operator would."""
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".jsonl") as file:
        file.writelines(f"{line}\n" for line in demo_bank.history())
        file.flush()
        call_command("simbank", "remember", file.name, verbosity=0)
