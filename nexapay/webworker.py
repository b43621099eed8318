"""
gunicorn's threads, and one more that answers together what machines send at once.

A thread of its own costs a webhook more than the webhook itself does (docs/decisions/0045). So a
small request that is here whole, and that the application can answer together with others, stands
in line for one thread. That one takes all who wait, has them answered in one go, and then takes
those who came meanwhile. All else goes the way that gunicorn gives it.
"""

import re
import select
import socket
from concurrent.futures import Future
from io import BytesIO
from queue import SimpleQueue
from threading import Thread
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

MOST = 1_000
FINISHED_AT_ONCE = 32  # Connections, before the main thread looks at all others again.
MOST_BYTES = 16 * 1024
_POST = re.compile(rb"POST (/[^? ]*) HTTP/1\.1\r\n")
_OTHERWISE = re.compile(rb"\r\n(?:expect|transfer-encoding)[ \t]*:")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*\r\n")


class Input(BytesIO):
    """A request's body as wsgi.input; the application leaves its answer here."""

    answer: Any = None


class WebWorker(ThreadWorker):
    """What worker_class names in docker/gunicorn.py, for a kernel.door.Door as for any other."""

    def run(self) -> None:
        """Serve until told to stop."""
        self._waiting: SimpleQueue[Any] = SimpleQueue()
        self._is_shared = getattr(self.wsgi, "is_shared", None)
        if self._is_shared:
            Thread(target=self._take_for_ever, daemon=True).start()
        super().run()

    def enqueue_req(self, conn: Any) -> None:
        """Have what was said on a connection answered: by the one thread, or by any."""
        if self._is_shared and not _read_before(conn) and self._is_shared(whole_post(conn.sock)):
            self._waiting.put(conn)
        else:
            super().enqueue_req(conn)

    def _take_for_ever(self) -> None:
        try:
            while True:
                first, others = self._waiting.get(), min(self._waiting.qsize(), MOST - 1)
                # Nobody else takes any, so there are as many at least.
                self._take([first, *(self._waiting.get() for _ in range(others))])
        except Exception as error:
            self.log.error("nobody takes what waits: %s", type(error).__name__)
            self.alive = False  # Another worker shall.

    def _take(self, conns: list[Any]) -> None:
        """Have all answered, and write the answers; who has none is asked in any thread."""
        read = {conn: environ for conn in conns if (environ := self._read(conn))}
        self._answer([*read.values()])
        done = []
        for conn in conns:
            is_answered = conn in read and read[conn]["wsgi.input"].answer is not None
            if is_answered and _is_reading(conn.sock):
                done.append((conn, self._written(conn)))
            else:
                super().enqueue_req(conn)
        for first in range(0, len(done), FINISHED_AT_ONCE):
            self.method_queue.defer(self._finish, done[first : first + FINISHED_AT_ONCE])

    def _answer(self, environs: list[dict[str, Any]]) -> None:
        try:
            self.wsgi.answer_together(environs)
        except Exception as error:  # Never its message: a database's quotes the row.
            self.log.error("not answered together: %s", type(error).__name__)
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
            made = wsgi.create(request, conn.sock, conn.client, conn.server, self.cfg)
        except Exception:  # Its handler meets the same, and says so.
            return None
        environ: dict[str, Any] = made[1]
        return environ

    def _written(self, conn: Any) -> "Future[Any]":
        """Write the answer in gunicorn's own way, and return what that says of the connection."""
        result: Future[Any] = Future()
        result.set_result(self.handle(conn))
        return result

    def _finish(self, done: "list[tuple[Any, Future[Any]]]") -> None:
        for conn, result in done:
            self.finish_request(conn, result)


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


def _read_before(conn: Any) -> bool:
    """Say whether some of the next request was read with the last, and is not in the socket."""
    return conn.parser is not None and bool(conn.parser.unreader.buf.getvalue())


def _is_reading(sock: socket.socket) -> bool:
    """Say whether an answer can be written without waiting for the client to read others."""
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    return bool(poller.poll(0))


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
