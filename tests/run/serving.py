"""A worker of ours that serves an application in a thread, and those who speak to it."""

import os
import socket
from collections.abc import Callable
from logging import Logger, LoggerAdapter, getLogger
from selectors import DefaultSelector
from threading import Event, Thread
from typing import Any

from gunicorn.config import Config

from nexapay.webworker import WebWorker
from tests.run.posts import post
from tests.run.processes import wait_until


class Application:
    """Says how many were answered at once, and what each of them said; leaves some to itself."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.go, self.breaks = Event(), False
        self.go.set()

    def is_shared(self, path: str) -> bool:
        return path == "/shared"

    def answer_together(self, environs: list[dict[str, Any]]) -> None:
        bodies = [environ["wsgi.input"].read() for environ in environs]
        self.calls.append(bodies)
        assert self.go.wait(60)
        if self.breaks:
            raise ValueError("somebody's secret")
        for environ, body in zip(environs, bodies, strict=True):
            if body != b"left":
                environ["wsgi.input"].answer = b"%d together" % len(bodies)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read()
        said = getattr(environ["wsgi.input"], "answer", None) or b"alone"
        said += b": " + body
        start_response("200 OK", [("Content-Length", str(len(said)))])
        return [said]


class Log(LoggerAdapter[Logger]):
    """A log as gunicorn's workers know it."""

    def __init__(self) -> None:
        super().__init__(getLogger("tests.webworker"), {})

    def access(self, *_: object) -> None:
        pass


class Worker(WebWorker):
    """One that knows whom it spoke to: in these tests it may end before it has closed them."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.seen: set[Any] = set()

    def enqueue_alone(self, conn: Any) -> None:
        self.seen.add(conn)
        super().enqueue_alone(conn)


class Site:
    """A worker that serves an application in a thread, and those who speak to it."""

    def __init__(self, application: Any, *, threads: int = 4) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        config = Config()
        config.set("threads", threads)
        config.set("graceful_timeout", 1)
        app: Any = None
        self.worker = Worker(0, os.getppid(), [self.listener], app, 30, config, Log())
        self.worker.wsgi = application
        self.worker.tpool = self.worker.get_thread_pool()
        self.worker.poller = DefaultSelector()
        self.worker.method_queue.init()
        self._serving = Thread(target=self.worker.run)
        self._clients: list[socket.socket] = []

    def __enter__(self) -> "Site":
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()
        self.worker.alive = False
        self.worker.method_queue.defer(lambda: None)
        self._serving.join(60)
        for conn in self.worker.seen:
            conn.sock.close()
        self.worker.tmp.close()

    def say(self, said: bytes, client: socket.socket | None = None) -> socket.socket:
        client = client or self.connect()
        client.sendall(said)
        return client

    def connect(self) -> socket.socket:
        """Return a connection that is known: what a new one says first may not be here yet."""
        client = self.connect_unknown()
        client.sendall(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(client) == "alone: "
        return client

    def connect_unknown(self) -> socket.socket:
        """Return a connection on which nothing was said."""
        client = socket.create_connection(self.listener.getsockname(), timeout=60)
        self._clients.append(client)
        return client

    def in_line(self, number: int) -> None:
        line: Any = self.worker._line
        wait_until(lambda: line._calls._queue.qsize() == number, f"{number} stand in line")

    def hold(self) -> socket.socket:
        """Have one asked for, and let its answer wait until the application may go."""
        calls = self.worker.wsgi.calls
        before = len(calls)
        self.worker.wsgi.go.clear()
        first = self.say(post(b"first"))
        wait_until(lambda: len(calls) > before, "the first is taken")
        return first


def answer(client: socket.socket) -> str:
    """Return the body of the next answer."""
    received = b""
    while (head := received.partition(b"\r\n\r\n"))[1] == b"":
        received += client.recv(1)
        assert received, "the connection was closed"
    length = int(head[0].lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return (client.recv(length, socket.MSG_WAITALL) if length else b"").decode()
