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

from onramp.simbank.models import Delivery
from tests.simbank.support import Merchant, serving
from tests.simbank.test_deliveries import owe

pytestmark = pytest.mark.django_db
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
