"""Bodies whose length is told in chunks or not at all, as our server hands them over."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test.client import ClientHandler
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create

from onramp.models import BankEvent
from tests.factories import available
from tests.onramp.support import URL, message, signed, start

pytestmark = pytest.mark.django_db
KIB = 1024


class Wire:
    """Raw bytes from a bank, through gunicorn's own parser, to our application."""

    def __init__(self) -> None:
        self.bank, self.ours = socket.socketpair()

    def close(self) -> None:
        self.bank.close()
        self.ours.close()

    def environ(self, head: list[str], body: bytes) -> dict[str, Any]:
        self.bank.settimeout(10)  # Everything fits the socket's buffer, or the test is wrong.
        self.bank.sendall("\r\n".join([*head, "", ""]).encode() + body)
        self.bank.shutdown(socket.SHUT_WR)
        config, peer = Config(), ("127.0.0.1", 5000)
        request = next(RequestParser(config, self.ours, peer))
        _, environ = create(request, self.ours, peer, ("127.0.0.1", 8000), config)
        return dict(environ)

    def send(self, head: list[str], body: bytes, **changes: Any) -> tuple[int, Any]:
        """Send a request; return the status and what the JSON of the answer says."""
        handler: Callable[[dict[str, Any]], HttpResponse] = cast(Any, ClientHandler())
        answer = handler(self.environ(head, body) | changes)
        said = json.loads(answer.content)
        return answer.status_code, said.get("error") or said["status"]


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def head(headers: dict[str, str], *, version: str = "1.1") -> list[str]:
    lines = [f"POST {URL} HTTP/{version}", "Host: testserver", "Content-Type: application/json"]
    return lines + [f"{name}: {value}" for name, value in headers.items()]


def chunked(body: bytes, size: int = 20 * KIB) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


class TestABodyInChunks:
    CHUNKED = {"Transfer-Encoding": "chunked"}

    def test_credits_like_any_other(self, wire: Wire) -> None:
        onramp = start(amount_minor=50_000)
        body = json.dumps(message(onramp)).encode()

        answer = wire.send(head(signed(body) | self.CHUNKED), chunked(body, size=50))

        assert answer == (200, "success")
        assert available(onramp.wallet) == 50_000

    def test_may_have_64_kib(self, wire: Wire) -> None:
        body = json.dumps(message(start())).encode().ljust(64 * KIB)

        assert wire.send(head(signed(body) | self.CHUNKED), chunked(body)) == (200, "success")

    def test_may_not_have_a_byte_more(self, wire: Wire) -> None:
        body = json.dumps(message(start())).encode().ljust(64 * KIB + 1)

        answer = wire.send(head(signed(body) | self.CHUNKED), chunked(body))

        assert answer == (413, "too_large")
        assert BankEvent.objects.count() == 0

    def test_is_still_refused_when_it_is_forged(self, wire: Wire) -> None:
        headers = signed(b"{}") | self.CHUNKED

        assert wire.send(head(headers), chunked(b"[]")) == (401, "signature")

    @pytest.mark.parametrize("broken", [b"5\r\n{}", b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}x"])
    def test_is_refused_when_it_breaks_off(self, wire: Wire, broken: bytes) -> None:
        answer = wire.send(head(signed(b"{}") | self.CHUNKED), broken)

        assert answer == (400, "malformed")


class TestABodyWithoutALength:
    @pytest.fixture(autouse=True)
    def _no_forgers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("onramp.webhooks._FORGED_PER_MINUTE", 0)  # A forged try would be 429.

    @pytest.mark.parametrize("version", ["1.0", "1.1"])
    def test_is_asked_for_one_and_not_called_forged(self, wire: Wire, version: str) -> None:
        body = json.dumps(message(start())).encode()

        answer = wire.send(head(signed(body), version=version), body)

        assert answer == (411, "length_required")

    def test_is_not_read_where_the_server_does_not_know_its_end(self, wire: Wire) -> None:
        body = json.dumps(message(start())).encode()
        headers = signed(body) | {"Transfer-Encoding": "chunked"}

        answer = wire.send(head(headers), chunked(body), **{"wsgi.input_terminated": False})

        assert answer == (411, "length_required")
