"""Reconciling from the command line and every morning: fetched, told, and an exit code."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from onramp import banks, services, tasks
from onramp.models import Break, Statement
from onramp.simbank.models import Payment
from tests.onramp.statements import (
    DAY,
    LATER,
    NOON,
    booked,
    camt053,
    csv,
    line,
    listed,
    reconcile,
    settled,
)
from tests.simbank.support import make_payment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _two_days_later() -> Iterator[None]:
    with time_machine.travel(LATER, tick=True):
        yield


def run(*arguments: str, day: object = DAY) -> tuple[int, str, str]:
    """Return the exit code, and what it said on both streams."""
    out, err = StringIO(), StringIO()
    try:
        call_command("reconcile", f"--date={day}", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


class TestReconcile:
    def test_asks_the_bank_and_agrees(self, bank_api: str) -> None:
        booked(settled())

        code, said, progress = run()

        assert (code, "The bank agrees." in said, "1 lines, 1 matched" in said) == (0, True, True)
        assert "Read 1 lines." in progress

    def test_says_each_break_on_a_line_and_exits_with_one(self, bank_api: str) -> None:
        settled()
        make_payment(token="x" * 43)
        Payment.objects.update(status="approved", decided_at=NOON)

        code, said, _ = run()

        assert code == 1
        assert "Missing here: Banyan Bank BAN-" in said
        assert "Missing at the bank: Banyan Bank BNY-" in said
        assert "the bank says ₹0.00, we posted ₹500.00" in said

    def test_takes_a_file_of_either_format(self, tmp_path: Path) -> None:
        said = listed(settled())
        for name, body in {"a.csv": csv([said]), "a.xml": camt053([said])}.items():
            (tmp_path / name).write_bytes(body)

            assert run("--file", str(tmp_path / name))[0] == 0

        assert [s.format for s in Statement.objects.order_by("pk")] == ["csv", "camt053"]

    def test_speaks_json(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(csv([line()]))

        code, said, _ = run("--file", str(tmp_path / "a.csv"), "--json")

        told = json.loads(said)
        assert (code, told["ok"], told["lines"], told["missing_here"]) == (1, False, 1, 1)
        assert told["is_whole"] is True
        assert len(told["breaks"]) == 1

    def test_exits_with_two_when_the_bank_is_silent(self) -> None:
        code, _, said = run()

        assert (code, "The bank gave no statement" in said) == (2, True)

    def test_refuses_a_day_that_has_not_begun(self, tmp_path: Path) -> None:
        tomorrow = LATER.date() + timedelta(days=1)
        (tmp_path / "a.csv").write_bytes(csv([]))

        code, said, why = run("--file", str(tmp_path / "a.csv"), day=tomorrow)

        assert (code, "The statement is of a day that has not begun." in why) == (2, True)
        assert ("agrees" in said, Statement.objects.count()) == (False, 0)

    def test_says_of_today_that_the_bank_agrees_so_far(self, bank_api: str) -> None:
        code, said, _ = run(day=LATER.date())

        assert (code, "The bank agrees so far. The day is not over" in said) == (0, True)

    def test_asks_for_a_file_where_the_bank_publishes_none(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        razorpay = banks.Razorpay(api_url="", key_id="", key_secret="", secrets=[], account="")
        monkeypatch.setattr(banks, "get_bank", lambda: razorpay)

        assert run()[::2] == (2, "Razorpay publishes no statement: give a file with --file.")
        assert tasks.reconcile(0) == 0

    @pytest.mark.parametrize("body", [b"junk", b"<junk/>", b"", b"\xff\xfe"])
    def test_exits_with_two_when_the_file_is_no_statement(
        self, tmp_path: Path, body: bytes
    ) -> None:
        (tmp_path / "a").write_bytes(body)

        code, _, said = run("--file", str(tmp_path / "a"))

        assert (code, "The statement " in said) == (2, True)

    def test_exits_with_two_when_there_is_no_file(self, tmp_path: Path) -> None:
        assert run("--file", str(tmp_path / "none"))[0] == 2
        assert run("--file", str(tmp_path))[0] == 2

    @pytest.mark.parametrize("day", ["2026-02-30", "0001-01-01", "tomorrow"])
    def test_wants_a_day(self, day: str) -> None:
        with pytest.raises(CommandError, match="day"):
            call_command("reconcile", f"--date={day}")


class TestEveryMorning:
    def test_yesterday_is_reconciled_and_breaks_are_logged(
        self, bank_api: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        settled(at=NOON + timedelta(days=1))

        with caplog.at_level(logging.WARNING):
            assert tasks.reconcile(0) == 1

        assert Statement.objects.get().day == DAY + timedelta(days=1)
        [record] = [r for r in caplog.records if r.name == "nexapay.reconcile"]
        assert record.levelname == "WARNING"
        assert "Missing at the bank" in record.getMessage()

    def test_nothing_is_logged_when_the_bank_agrees(
        self, bank_api: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert tasks.reconcile(0) == 0

        assert [r for r in caplog.records if r.name == "nexapay.reconcile"] == []

    def test_days_that_were_missed_come_first(self) -> None:
        reconcile(day=DAY - timedelta(days=3))
        reconcile(line(booked_at=NOON - timedelta(days=1)), day=DAY - timedelta(days=1))

        days = services.days_due(now=timezone.now())

        assert [str(day) for day in days] == ["2026-11-17", "2026-11-19", "2026-11-20"]
        assert Break.objects.count() == 1
