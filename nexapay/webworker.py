"""
gunicorn's threads, and one more that answers together what machines send at once.

A thread of its own costs a webhook more than the webhook itself does (docs/decisions/0045). So a
small request that is here whole, and that the application can answer together with others, stands
in line for one thread. That one takes all who wait, has them answered in one go, and then takes
those who came meanwhile. All else goes the way that gunicorn gives it.
"""

import re
import socket
from concurrent.futures import Future
from io import BytesIO
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

MOST = 1_000
MOST_BYTES = 16 * 1024
_POST = re.compile(rb"POST (/[^? ]*) HTTP/1\.1\r\n")
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
        if self._is_shared and self._is_shared(whole_post(conn.sock)):
            self._waiting.put(conn)
        else:
            super().enqueue_req(conn)

    def _take_for_ever(self) -> None:
        while True:
            conns = [self._waiting.get(), *self._others()]
            try:
                answered = self._answer(conns)
            except Exception as error:  # Never its message: a database's quotes the row.
                self.log.error("not answered together: %s", type(error).__name__)
                answered = set()
            self._finish(conns, answered)

    def _others(self) -> list[Any]:
        others: list[Any] = []
        try:
            while len(others) < MOST - 1:
                others.append(self._waiting.get_nowait())
        except Empty:
            return others
        return others

    def _answer(self, conns: list[Any]) -> set[Any]:
        """Have them answered, and return those that were."""
        read = [(conn, environ) for conn in conns if (environ := self._read(conn))]
        self.wsgi.answer_together([environ for _, environ in read])
        return {conn for conn, environ in read if environ["wsgi.input"].answer is not None}

    def _finish(self, conns: list[Any], answered: set[Any]) -> None:
        """Write the answers; who has none is asked by itself, in any thread."""
        self.method_queue.defer(
            self._finish_all, [(conn, self._written(conn)) for conn in conns if conn in answered]
        )
        for conn in conns:
            if conn not in answered:
                super().enqueue_req(conn)

    def _read(self, conn: Any) -> dict[str, Any] | None:
        """Return what a request says, which its handler then finds read; None for another."""
        conn.init()
        conn.sock.settimeout(0)  # It is all here; who says otherwise is not waited for.
        if not isinstance(conn.parser, _ReadAhead):
            conn.parser = _ReadAhead(conn.parser)
        request = conn.parser.read()
        # Behind what was read before another may begin, in whose body the POST stands that we saw.
        if request is None or not self._is_shared(request.path):
            return None
        return self._environ(conn, request)

    def _environ(self, conn: Any, request: Any) -> dict[str, Any] | None:
        try:
            request.body = Input(request.body.read())
        except OSError:
            return None
        found: dict[str, Any] = wsgi.create(request, conn.sock, conn.client, conn.server, self.cfg)[
            1
        ]
        return found

    def _written(self, conn: Any) -> "Future[Any]":
        """Write the answer in gunicorn's own way, and return what that says of the connection."""
        result: Future[Any] = Future()
        result.set_result(self.handle(conn))
        return result

    def _finish_all(self, answered: "list[tuple[Any, Future[Any]]]") -> None:
        for conn, result in answered:
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


def whole_post(sock: socket.socket) -> str:
    """
    Return the path of a small POST that lies in the socket whole, to be read without waiting.

    Nothing for all else: also for what is chunked, or waits to be told to continue.
    """
    try:
        seen = sock.recv(MOST_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return ""
    head, end, body = seen.partition(b"\r\n\r\n")
    lines = head.lower() + b"\r\n"
    path, length = _POST.match(head), _LENGTH.search(lines)
    if end and path and length and len(body) >= int(length[1]) and b"\r\nexpect:" not in lines:
        return path[1].decode("latin-1")
    return ""
