"""NexaPay behind gunicorn, as docker/gunicorn.py serves it, and clients that cost little."""

import base64
import hashlib
import hmac
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice, repeat
from statistics import quantiles

from django.conf import settings
from django.db import connection

from bench import people
from nexapay.datadir import ROOT
from onramp.models import OnRampTransaction

CONFIG = str(ROOT / "docker" / "gunicorn.py")
# For each client (by number) its requests, whole, one after the other.
Requests = Callable[[int], Iterator[bytes]]


@dataclass(frozen=True)
class Site:
    """
    Where NexaPay listens, and behind the same kind of workers two that do nothing.

    One is a WSGI application, the other a view of Django's.
    """

    port: int
    bare_port: int
    view_port: int


@dataclass
class Answers:
    """What clients saw: statuses counted, and how long each answer took, in milliseconds."""

    statuses: dict[int, int] = field(default_factory=dict)
    took_ms: list[float] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """Return the time within which that many of a hundred answers came."""
        return quantiles(self.took_ms, n=100)[percent - 1]


@contextmanager
def gunicorn(*options: str) -> Iterator[Site]:
    """Start all, wait until they answer, and stop them at the end."""
    ports = _free_ports()
    common = ("-m", "gunicorn", "-c", CONFIG, *options)
    with _serving(ports, [(*common, "-b", f"127.0.0.1:{port}") for port in ports]) as site:
        yield site


def sync() -> AbstractContextManager[Site]:
    """Do the same with the workers that gunicorn takes unless it is told otherwise."""
    return gunicorn("-k", "sync", "--threads", "1")  # With more threads it takes gthread for sync.


@contextmanager
def granian() -> Iterator[Site]:
    """Do the same with granian, a server written in Rust: what another server would change."""
    ports = _free_ports()
    size = ("--workers", "2", "--blocking-threads", "8")
    common = ("-m", "granian", "--interface", "wsgi", *size, "--no-log")
    with _serving(ports, [(*common, "--port", str(port)) for port in ports]) as site:
        yield site


@contextmanager
def _serving(ports: list[int], commands: list[tuple[str, ...]]) -> Iterator[Site]:
    connection.close()
    apps = tuple(
        f"{name}:application" for name in ("nexapay.wsgi", "bench.bare", "bench.bare_view")
    )
    servers = [_start(*command, app) for command, app in zip(commands, apps, strict=True)]
    try:
        for port in ports:
            _wait_for(port)
        yield Site(*ports)
    finally:
        stop(servers)


def _start(*arguments: str) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL if "BENCH_LOUD" not in os.environ else None
    return subprocess.Popen([sys.executable, *arguments], stdout=quiet, stderr=quiet)


def stop(servers: "list[subprocess.Popen[bytes]]") -> None:
    """End them."""
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait(timeout=30)


def _free_ports() -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with Client(port) as client:
                client.ask(get("/healthz"))
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The server did not start; BENCH_LOUD=1 shows why.")


class Client:
    """One kept-alive connection. It understands what our server sends, and no more."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = port

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; return the answer's status and body."""
        self._socket.sendall(request)
        received = self._socket.recv(65536)
        while received and b"\r\n\r\n" not in received:
            received += self._socket.recv(65536)
        if not received:
            raise OSError("the server closed the connection")
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(x[15:]) for x in lines if x.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self._socket.recv(65536)
        if b"connection: close" in lines:
            self.__init__(self._port)  # type: ignore[misc]
        return int(lines[0].split()[1]), body


def get(path: str, cookies: str = "") -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n\r\n".encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """Return a POST request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def rate(
    port: int, requests: Requests, clients: int, seconds: float, answers: Answers | None = None
) -> float:
    """Return answers a second to that many clients, each asking as soon as it was answered."""
    seen = answers or Answers()
    with ThreadPoolExecutor(clients) as pool:
        work = pool.map(_ask_for, repeat(port), map(requests, range(clients)), repeat(seconds))
        results = list(work)
    for statuses, took_ms in results:
        seen.took_ms += took_ms
        for status in statuses:
            seen.statuses[status] = seen.statuses.get(status, 0) + 1
    if bad := {status for status in seen.statuses if status >= 400}:
        raise RuntimeError(f"Some answers were {bad}.")
    return sum(len(took_ms) for _, took_ms in results) / seconds


def _ask_for(port: int, requests: Iterator[bytes], seconds: float) -> tuple[list[int], list[float]]:
    statuses, took_ms = [], []
    with Client(port) as client:
        for request in islice(requests, 3):
            client.ask(request)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            request = next(requests)  # Making and signing it is not the server's time.
            began = time.perf_counter()
            status, _ = client.ask(request)
            took_ms.append((time.perf_counter() - began) * 1000)
            statuses.append(status)
    return statuses, took_ms


def again(request: bytes) -> Requests:
    """Return the same request for ever, for every client."""
    return lambda number: repeat(request)


def webhooks(onramps: list[OnRampTransaction], clients: int) -> Requests:
    """Return signed successes, each once, dealt out to the clients."""
    made = [signed(onramp) for onramp in onramps]  # Now: while we measure, it would take a core.
    return lambda number: iter(made[number::clients])


def signed(onramp: OnRampTransaction) -> bytes:
    """Return the bank's webhook, signed as Standard Webhooks says."""
    said, event_id, at = people.body(onramp), f"evt_{onramp.pk}", str(int(time.time()))
    key = base64.b64decode(settings.BANK_WEBHOOK_SECRETS[0].removeprefix("whsec_"))
    mac = hmac.new(key, f"{event_id}.{at}.".encode() + said, hashlib.sha256).digest()
    return post(
        "/webhooks/bank/",
        said,
        "Content-Type: application/json",
        f"webhook-id: {event_id}",
        f"webhook-timestamp: {at}",
        f"webhook-signature: v1,{base64.b64encode(mac).decode()}",
    )
