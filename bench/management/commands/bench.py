"""Measure, side by side, on a cluster of its own."""

import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bench import cluster

NAMES = {
    "transfers": "sending, against the limit and against a plain ORM transfer",
    "hot": "everybody pays one wallet; the bank pays everybody",
    "webhooks": "a bank's webhooks, one by one over HTTP and in batches",
    "pages": "pages and acts through gunicorn, by number of clients and kind of worker",
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

    def handle(self, *args: Any, **options: Any) -> None:
        """Run bench/NAME.py in a process of its own: its settings are those of the cluster."""
        numbers = [str(options[name]) for name in ("rounds", "seconds")]
        with cluster.throw_away() as environment:
            command = [sys.executable, "-m", f"bench.{options['name']}", *numbers, options["only"]]
            code = subprocess.run(command, env=environment).returncode
        if code:
            raise CommandError("The bench failed; the reason is above.", returncode=code)
