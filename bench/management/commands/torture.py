"""Torture a site of its own, and judge it after each fault."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from bench import cluster
from bench.torture import disk
from bench.torture.faults import FAULTS
from bench.torture.report import Report
from bench.torture.rounds import Torture, schedule
from bench.torture.site import Broken
from nexapay.datadir import ROOT
from nexapay.processes import describe_exit, die_with_parent

LEAST = 5  # Acknowledged sends, in each round.


class Command(BaseCommand):
    help = (
        "Start a site of its own, let clients at it, and in each round kill, stop, starve or lie "
        "to a part of it; then prove from the database and the clients' records that no money was "
        "lost, made or moved twice. Exits 1, and keeps the evidence, when one round does not hold."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how much, which, and the seed."""
        parser.add_argument("--rounds", type=int, default=20, help="one fault each (default 20)")
        parser.add_argument("--seconds", type=float, default=2, help="of load around each fault")
        parser.add_argument("--seed", type=int, help="of an earlier run: the same faults again")
        parser.add_argument("--clients", type=int, default=10, help="people at it at once")
        parser.add_argument("--least", type=int, default=LEAST, help="sends in each round, or fail")
        parser.add_argument("--only", help="these faults, with commas: " + ", ".join(FAULTS))
        parser.add_argument("--json", type=Path, help="also write everything to this file")
        parser.add_argument("--inside", type=Path, help="(what this command starts itself with)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start again in an environment of the site's own; there, do it."""
        options["seed"] = secrets.randbits(32) if options["seed"] is None else options["seed"]
        code = _Inside(options).run() if options["inside"] else _start_inside(options)
        if code < 0:
            raise CommandError(f"The run was ended by {describe_exit(code)}.")
        sys.exit(code)


def _start_inside(options: dict[str, Any]) -> int:
    """Run this command again, in a folder beside the data and blind to the data itself."""
    base = Path(os.environ.get("NEXAPAY_DATA_DIR") or ROOT / ".nexapay") / "torture"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base))
    (folder / "data").mkdir(mode=0o700)
    command = [sys.executable, cluster.MANAGE, "torture", "--inside", str(folder)]
    for name in ("rounds", "seconds", "seed", "clients", "least", "only", "json"):
        command += [f"--{name}", str(options[name])] if options[name] is not None else []
    child = subprocess.Popen(
        command,
        env=cluster.environment(folder / "data", role="nexapay_app"),
        preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM),
    )
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()


class _Inside:
    """The run itself."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.folder: Path = options["inside"]
        only = options["only"].split(",") if options["only"] else list(FAULTS)
        if unknown := set(only) - set(FAULTS):
            raise CommandError(f"There is no fault {', '.join(sorted(unknown))}.")
        refusal = disk.own_mounts()
        left_out = {"full_disk": refusal} if refusal else {}
        settings = {name: options[name] for name in ("rounds", "seconds", "clients", "least")}
        self.report = Report(options["seed"], settings, left_out)
        faults = [name for name in only if name not in left_out]
        if not faults:
            raise CommandError(f"Nothing is left to do: {refusal}.")
        self.schedule = schedule(options["seed"], options["rounds"], faults)

    def run(self) -> int:
        """Do it all; return the exit code."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, _interrupt)
        say(f"Seed {self.report.seed}; evidence, should there be any, in {self.folder}")
        for fault, why in self.report.left_out.items():
            say(f"The fault {fault} is left out: {why}.")
        try:
            self._torture()
        except KeyboardInterrupt:
            say("Interrupted; everything was stopped.")
            shutil.rmtree(self.folder)
            return 130
        except Exception as error:
            return self._fail(error)
        say(self.report.table())
        self._write()
        shutil.rmtree(self.folder)
        return 0

    def _torture(self) -> None:
        torture = Torture(self.folder, self.report, say)
        try:
            torture.open(self.options["clients"])
            torture.run(self.schedule, self.options["least"])
        finally:
            torture.close()

    def _fail(self, error: Exception) -> int:
        what = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
        self.report.findings = self.report.findings or [what]
        if self.report.rounds:
            say(self.report.table())
        say(f"\nIT DID NOT HOLD. {what}\n")
        say(f"Seed {self.report.seed}. Kept: {self.folder} (data/, clients.jsonl, site.log)")
        self._write()
        return 1

    def _write(self) -> None:
        if self.options["json"]:
            self.report.write(self.options["json"])


def say(line: str) -> None:
    """Tell whoever looks on."""
    print(line, flush=True)


def _interrupt(_signum: int, _frame: Any) -> NoReturn:
    """Stop, once; what then cleans up is not to be interrupted."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt
