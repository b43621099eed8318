"""Who publishes heads: the worker by the clock, and people by a command."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from procrastinate.contrib.django import app
from pytest_django import Settings

from wallet import checkpoints, tasks
from wallet.models import Checkpoint, Wallet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]


class TestTheWorker:
    def test_publishes_by_the_clock(self, ana: Wallet) -> None:
        due = {(t.task.name, t.cron) for t in app.periodic_registry.periodic_tasks.values()}
        assert ("wallet.checkpoint", "*/10 * * * *") in due

        assert tasks.checkpoint(0) == 2

        assert Checkpoint.objects.get().size == 2

    def test_signs_nothing_without_a_key(self, ana: Wallet, settings: Settings) -> None:
        settings.CHECKPOINT_KEY = None

        assert tasks.checkpoint(0) == 0

        assert not Checkpoint.objects.exists()

    def test_is_due_at_full_ten_minutes(self) -> None:
        at = timezone.now().replace(hour=10, minute=57, second=3, microsecond=5)

        due = checkpoints.next_due(at)

        assert (due - at.replace(minute=50, second=0, microsecond=0)).total_seconds() == 600
        assert checkpoints.next_due(due) > due


class TestTheCommand:
    def test_prints_the_head(self, ana: Wallet) -> None:
        out = StringIO()

        call_command("checkpoint", stdout=out, stderr=StringIO())

        assert out.getvalue() == Checkpoint.objects.get().note

    def test_says_so_when_there_is_nothing_to_sign(self) -> None:
        out, err = StringIO(), StringIO()

        call_command("checkpoint", stdout=out, stderr=err)

        assert out.getvalue() == ""
        assert "no entries yet" in err.getvalue()

    def test_names_the_key_it_lacks(self, settings: Settings) -> None:
        settings.CHECKPOINT_KEY = None

        with pytest.raises(CommandError, match="CHECKPOINT_KEY is not set"):
            call_command("checkpoint", stdout=StringIO(), stderr=StringIO())
