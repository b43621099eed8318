"""
The line of small requests that are answered together, and the one thread that takes them.

A thread of its own costs a webhook more than the webhook itself does (docs/decisions/0045). So a
small request that is here whole, and that the application can answer together with others, stands
in line for one thread. That one takes all who wait, has them answered in one go, and then takes
those who came meanwhile: their connections stay with it for a while. All else goes the way that
gunicorn gives it.
"""

import re
import socket
import time
from collections.abc import Iterable
from io import BytesIO
from itertools import takewhile
from select import POLLOUT
from selectors import EVENT_READ, DefaultSelector
from threading import Thread
from typing import Any, Protocol
from weakref import WeakSet

from gunicorn.http import wsgi
from gunicorn.workers.gthread import PollableMethodQueue

from nexapay.kernel.sockets import is_ready

MOST = 1_000
FINISHED_AT_ONCE = 32  # Connections, before the main thread looks at all others again.
KEEP_S = 0.1  # It holds no thread meanwhile.
MOST_BYTES = 16 * 1024
_POST = re.compile(rb"POST (/[^? ]*) HTTP/1\.1\r\n")
_OTHERWISE = re.compile(rb"\r\n(?:expect|transfer-encoding)[ \t]*:")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*\r\n")


class Worker(Protocol):
    """Whose line it is: what a WebWorker has."""

    wsgi: Any
    cfg: Any
    log: Any
    alive: bool
    method_queue: Any

    def enqueue_alone(self, conn: Any) -> None:
        """Have what was said on a connection answered by any thread."""

    def handle_one(self, conn: Any) -> Any:
        """Answer one request."""

    def finish_all(self, done: Iterable[tuple[Any, Any]]) -> None:
        """Take connections back, in the main thread."""


class Input(BytesIO):
    """A request's body as wsgi.input; the application leaves its answer here."""

    answer: Any = None


class Line:
    """
    Connections whose request can be answered together with others, and the thread that does.

    A connection that was answered stays KEEP_S longer, so that nobody else is woken for what is
    said on it next. If that is something else, it stays no more: it has waited for the others.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._calls = PollableMethodQueue()
        self._calls.init()
        self._poller = DefaultSelector()
        self._poller.register(self._calls.fileno(), EVENT_READ)
        self._came: list[Any] = []
        self._kept: dict[Any, float] = {}  # Until when; the first to go stands first.
        self._mixed: WeakSet[Any] = WeakSet()
        Thread(target=self._take_for_ever, daemon=True).start()

    def wants(self, conn: Any) -> bool:
        """Say whether what was said on the connection is to stand in this line."""
        return not read_before(conn) and bool(self._worker.wsgi.is_shared(whole_post(conn.sock)))

    def add(self, conn: Any) -> None:
        """Let it stand in line."""
        self._calls.defer(self._enter, conn)

    def _enter(self, conn: Any) -> None:
        self._poller.register(conn.sock, EVENT_READ, conn)
        self._came.append(conn)

    def _take_for_ever(self) -> None:
        try:
            while True:
                conns = self._wait()
                for first in range(0, len(conns), MOST):
                    self._take(conns[first : first + MOST])
                self._let_go()
        except Exception as error:
            self._worker.log.error("nobody takes what waits: %s", type(error).__name__)
            self._worker.alive = False  # Another worker shall.

    def _wait(self) -> list[Any]:
        """Return whose turn it is: who came, and who has gone on."""
        until = next(iter(self._kept.values()), None)
        timeout = None if until is None else max(0.0, until - time.monotonic())
        speaking = [key.data for key, _ in self._poller.select(timeout)]
        if None in speaking:
            self._calls.run_callbacks(None, MOST)
        came, self._came = self._came, []
        return came + [conn for conn in speaking if conn and self._goes_on(conn)]

    def _goes_on(self, conn: Any) -> bool:
        del self._kept[conn]
        if self.wants(conn):
            return True
        self._mixed.add(conn)
        self._leave(conn)
        return False

    def _leave(self, conn: Any) -> None:
        self._poller.unregister(conn.sock)
        self._worker.enqueue_alone(conn)

    def _take(self, conns: list[Any]) -> None:
        """Have all answered, and write the answers; who has none is asked in any thread."""
        read = {conn: environ for conn in conns if (environ := self._read(conn))}
        self._answer([*read.values()])
        done = {}
        for conn in conns:
            is_answered = conn in read and read[conn]["wsgi.input"].answer is not None
            if is_answered and _is_reading(conn.sock):
                done[conn] = self._worker.handle_one(conn)
            else:
                self._leave(conn)
        stay = [conn for conn, result in done.items() if result is True and self._may_stay(conn)]
        self._kept |= dict.fromkeys(stay, time.monotonic() + KEEP_S)
        self._give_back([each for each in done.items() if each[0] not in self._kept])

    def _may_stay(self, conn: Any) -> bool:
        return conn not in self._mixed and not read_before(conn)

    def _answer(self, environs: list[dict[str, Any]]) -> None:
        try:
            self._worker.wsgi.answer_together(environs)
        except Exception as error:  # Never its message: a database's quotes the row.
            self._worker.log.error("not answered together: %s", type(error).__name__)
        finally:
            for environ in environs:  # Whoever answers one that was left reads it anew.
                environ["wsgi.input"].seek(0)

    def _read(self, conn: Any) -> dict[str, Any] | None:
        """Return what a request says, which its handler then finds read; None for a bad one."""
        try:
            conn.init()
            if not isinstance(conn.parser, _ReadAhead):
                conn.parser = _ReadAhead(conn.parser)
            if (request := conn.parser.read()) is None:
                return None
            request.body = Input(request.body.read())
            made = wsgi.create(request, conn.sock, conn.client, conn.server, self._worker.cfg)
        except Exception:  # Its handler meets the same, and says so.
            return None
        environ: dict[str, Any] = made[1]
        return environ

    def _let_go(self) -> None:
        """Give back who has fallen silent."""
        now = time.monotonic()
        silent = [*takewhile(lambda conn: self._kept[conn] <= now, self._kept)]
        for conn in silent:
            del self._kept[conn]
        self._give_back([(conn, True) for conn in silent])

    def _give_back(self, done: list[tuple[Any, Any]]) -> None:
        for conn, _ in done:
            self._poller.unregister(conn.sock)
        for first in range(0, len(done), FINISHED_AT_ONCE):
            part = done[first : first + FINISHED_AT_ONCE]
            self._worker.method_queue.defer(self._worker.finish_all, part)


class _ReadAhead:
    """gunicorn's parser, whose next request may be read before it is handled."""

    def __init__(self, parser: Any) -> None:
        self._parser, self.unreader = parser, parser.unreader
        self._found: tuple[Any, Exception | None] | None = None

    def read(self) -> Any:
        """Return the next request, or None where there is none: its handler hears why."""
        try:
            self._found = next(self._parser), None
        except Exception as error:
            self._found = None, error
        return self._found[0]

    def __next__(self) -> Any:
        if self._found is None:
            return next(self._parser)
        (request, error), self._found = self._found, None
        if error:
            raise error
        return request

    def finish_body(self, deadline: float | None = None) -> bool:
        """Read what is left of the body."""
        return bool(self._parser.finish_body(deadline=deadline))


def read_before(conn: Any) -> bool:
    """Say whether some of the next request was read with the last, and is not in the socket."""
    return conn.parser is not None and bool(conn.parser.unreader.buf.getvalue())


def _is_reading(sock: socket.socket) -> bool:
    """Say whether an answer can be written without waiting for the client to read others."""
    return is_ready(sock.fileno(), POLLOUT, 0)


def whole_post(sock: socket.socket) -> str:
    """
    Return the path of a small POST that lies in the socket whole, to be read without waiting.

    Nothing for all else: also for what is chunked, or waits to be told to continue.
    """
    try:
        seen = sock.recv(MOST_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except (OSError, ValueError):  # TLS cannot be looked into.
        return ""
    head, end, body = seen.partition(b"\r\n\r\n")
    lines = head.lower() + b"\r\n"
    path, length = _POST.match(head), _LENGTH.search(lines)
    if end and path and length and len(body) >= int(length[1]) and not _OTHERWISE.search(lines):
        return path[1].decode("latin-1")
    return ""
