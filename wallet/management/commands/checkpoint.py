"""Publish a checkpoint from the command line."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from nexapay.kernel.db import Busy
from wallet import checkpoints


class Command(BaseCommand):
    help = "Add every settled entry to the Merkle tree, sign its head and publish it."
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish, and print the signed head on stdout."""
        try:
            published = checkpoints.publish(
                signer=checkpoints.signer(), now=timezone.now(), progress=self.stderr.write
            )
        except (checkpoints.NoKey, checkpoints.Forked, Busy) as refusal:
            raise CommandError(str(refusal)) from refusal
        if published is None:
            self.stderr.write("There are no entries yet, so there is nothing to sign.")
        else:
            self.stdout.write(published.note, ending="")
