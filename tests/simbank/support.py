"""The simulated bank for tests: its API over real HTTP, and a merchant who answers as told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from django.utils import timezone

from onramp.simbank import deliveries, server, services
from onramp.simbank.models import Payment
from onramp.simbank.services import Terms

TOKEN = "a-token-of-the-merchants-own"


@pytest.fixture
def bank_api(settings: Any, transactional_db: None) -> Iterator[str]:
    """Serve the bank's API on a port of its own, and let NexaPay know it."""
    with serving(server.make_server(host="127.0.0.1", port=0)) as url:
        settings.BANK_API_URL = url
        yield url


@pytest.fixture
def bank_delivers(settings: Any, live_server: Any, monkeypatch: Any) -> Callable[..., int]:
    """Return a function that delivers what is due to the live site; it returns how many tries."""
    # Without it each answer on a kept connection waits 40 ms for an acknowledgement.
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
    settings.BANK_WEBHOOK_URL = f"{live_server.url}/webhooks/bank/"
    return drain


@contextmanager
def serving(http: Any) -> Iterator[str]:
    """Serve in a thread, and stop when done."""
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def drain(*, later_s: int = 0) -> int:
    """Deliver what is due later_s seconds from now; return how many tries it took."""
    tried, now = 0, timezone.now() + timedelta(seconds=later_s)
    with deliveries.client() as http:
        while deliveries.deliver_next(http, now=now):
            tried += 1
    return tried


def make_payment(*, now: datetime | None = None, **terms: Any) -> Payment:
    """Ask the bank for a payment, as the merchant does."""
    now = now or timezone.now()
    asked: dict[str, Any] = {
        "token": TOKEN,
        "amount_minor": 50_000,
        "currency": "INR",
        "brand": "banyan",
        "reference": "ONR-1",
        "expires_at": now + timedelta(minutes=15),
    }
    payment, _ = services.create_payment(
        terms=Terms(**asked | terms), return_url="http://testserver/add-money/x/", now=now
    )
    return payment


class Merchant(ThreadingHTTPServer):
    """A merchant who answers with the given statuses in turn, and keeps what came."""

    def __init__(self, *answers: int, meanwhile: Callable[[], None] = lambda: None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.meanwhile = meanwhile
        self.received: list[tuple[dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Merchant

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append((headers, body))
        self.server.meanwhile()
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
