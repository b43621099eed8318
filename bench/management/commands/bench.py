"""Measure, side by side, on a cluster of its own."""

import logging
from argparse import SUPPRESS, ArgumentParser
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bench import cluster, report

NAMES = {
    "transfers": "sending, against the limit and against a plain ORM transfer",
    "hot": "everybody pays one wallet; the bank pays everybody",
    "webhooks": "a bank's webhooks, one by one over HTTP and in batches",
    "pages": "pages and acts through gunicorn, by number of clients and kind of worker",
    "spike": "50,000 webhooks at once into a queued inbox; --only NUMBER for fewer",
    "backlog": "as many that pile up first, and are drained while more come; --only NUMBER",
    "reconcile": "a day of 100,000 lines of a bank's statement against the ledger",
    "growth": "10 thousand, 1 million and 10 million entries",
}


class Command(BaseCommand):
    help = "Measure NexaPay on a throw-away cluster; prints a table, writes bench/results/."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the name of a bench, and how long and how often it measures."""
        parser.add_argument("name", choices=NAMES, help="; ".join(map(": ".join, NAMES.items())))
        parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default 5)")
        parser.add_argument("--seconds", type=float, default=4, help="of each measurement")
        parser.add_argument("--only", default="", help="only the cases whose name contains this")
        parser.add_argument("--here", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run bench/NAME.py in a process of its own, whose settings are those of the cluster."""
        name, *numbers = (options[key] for key in ("name", "rounds", "seconds"))
        if options["here"]:
            logging.disable(logging.INFO)  # One line for each request is not what is read here.
            import_module(f"bench.{name}").main(*numbers, only=options["only"])
            return
        arguments = ["--rounds", str(numbers[0]), "--seconds", str(numbers[1])]
        arguments += ["--only", options["only"], "--here"]
        report.progress("Making a throw-away cluster ...")
        with cluster.throw_away() as environment:
            code = cluster.run(cluster.MANAGE, "bench", name, *arguments, environment=environment)
        if code:
            raise CommandError("The bench failed; the reason is above.", returncode=code)
