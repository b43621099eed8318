"""manage simbank: one round, or a server that leaves when told."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from socket import socket
from threading import Event
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from onramp.simbank.models import Delivery, Payment, Payout
from tests.simbank.support import Merchant, serving
from tests.simbank.test_deliveries import owe

pytestmark = pytest.mark.django_db
PAID_BUT = (
    '{{"is": "{what}", "token": "t", "brand": "banyan", "amount_minor": 5, "currency": "INR",'
    ' "reference": "ONR-1", "return_url": "", "expires_at": "2026-11-19T07:00:00+00:00",'
    ' "status": "{status}", "bank_reference": "DEMO-1",'
    ' "created_at": "2026-11-19T06:30:00+00:00", "decided_at": "2026-11-19T06:31:00+00:00"}}'
)
PAID = PAID_BUT.format(what="payment", status="approved")
PAID_OUT = (
    '{"is": "payout", "token": "o", "brand": "lotus", "amount_minor": 5, "currency": "INR",'
    ' "reference": "OFR-1", "account_holder": "Ana Rao", "account_number": "123456",'
    ' "status": "succeeded", "bank_reference": "", "created_at": "2026-11-19T06:30:00+00:00",'
    ' "decided_at": "2026-11-19T06:31:00+00:00"}'
)
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(**environment: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run the command as a process of its own, on this test's database."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    process = subprocess.Popen(
        [sys.executable, "manage.py", "simbank", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url} | environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        said = re.search(r":(\d+)\.$", process.stdout.readline().strip())
        assert said
        yield process, int(said[1])
    finally:
        process.kill()
        process.communicate()


class TestTheCommand:
    def test_delivers_what_is_due_once(self, settings: Any) -> None:
        owe("twice")
        out = StringIO()

        with serving(Merchant(200, 500)) as url:
            settings.BANK_WEBHOOK_URL = url
            call_command("simbank", "--once", stdout=out)

        assert out.getvalue() == "2 deliveries tried.\n"
        statuses = Delivery.objects.order_by("copy").values_list("status", flat=True)
        assert sorted(statuses) == ["delivered", "waiting"]

    def test_refuses_to_run_for_another_bank(self, settings: Any) -> None:
        settings.BANK = "razorpay"

        with pytest.raises(CommandError, match="no simulated bank"):
            call_command("simbank")

    def test_says_when_its_port_is_taken(self) -> None:
        with socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(CommandError, match="cannot listen"):
                call_command("simbank", "--port", str(taken.getsockname()[1]))

    @pytest.mark.django_db(transaction=True)
    def test_serves_and_delivers_until_it_is_told_to_stop(self) -> None:
        merchant = Merchant(200)
        with serving(merchant) as url, running(BANK_WEBHOOK_URL=url) as (process, port):
            with httpx.Client(trust_env=False, timeout=20) as client:
                answer = client.get(f"http://127.0.0.1:{port}/api/payments/unknown-token-here")
            owe()
            while not Delivery.objects.filter(status="delivered").exists():
                assert process.poll() is None
                Event().wait(0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0

        assert answer.status_code == 401
        assert len(merchant.received) == 1


class TestRemember:
    @staticmethod
    def remember(tmp_path: Path, *lines: str) -> str:
        file, out = tmp_path / "history", StringIO()
        file.write_text("\n".join(lines))
        call_command("simbank", "remember", str(file), stdout=out)
        return out.getvalue()

    def test_takes_what_is_over_and_owes_nobody(self, tmp_path: Path) -> None:
        said = [PAID, PAID_OUT]

        assert self.remember(tmp_path, *said) == "2 were new.\n"
        assert self.remember(tmp_path, *said) == "0 were new.\n"

        payment, payout = Payment.objects.get(), Payout.objects.get()
        assert (payment.status, payment.bank_reference) == ("approved", "DEMO-1")
        assert payout.bank_reference.startswith("LOT-")
        assert Delivery.objects.count() == 0

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "[]",
            "{}",
            '"payment"',
            PAID_BUT.format(what="loan", status="approved"),
            PAID_BUT.format(what="payment", status="lent"),
            PAID_BUT.format(what="payout", status="succeeded"),
        ],
    )
    def test_takes_nothing_of_a_file_that_says_something_else(
        self, tmp_path: Path, line: str
    ) -> None:
        with pytest.raises(CommandError, match="Line 2 is no payment or payout"):
            self.remember(tmp_path, PAID, line, PAID_OUT)

        assert Payment.objects.count() == 0

    @pytest.mark.parametrize("name", [None, "/nowhere"])
    def test_wants_a_file(self, name: str | None) -> None:
        with pytest.raises(CommandError):
            call_command("simbank", "remember", *([name] if name else []))
