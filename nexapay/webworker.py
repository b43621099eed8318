"""
gunicorn's threads, which stay with a connection, and one more for what machines send at once.

To change threads costs a small request more than what it asks for (docs/decisions/0045, 0046). So
a thread that has answered goes on with the same connection where the next request is there at once
and nobody else waits, and what can be answered together stands in a line of its own.
"""

from collections.abc import Iterable
from concurrent.futures import Future
from select import POLLIN
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from nexapay.kernel.sockets import is_ready
from nexapay.webline import Line, read_before

STAY_MS = 2  # So long another may wait for a thread, where all have just answered.


class WebWorker(ThreadWorker):
    """What worker_class names in docker/gunicorn.py, for a kernel.door.Door as for any other."""

    _line: Line | None = None

    def run(self) -> None:
        """Serve until told to stop."""
        if hasattr(self.wsgi, "is_shared"):
            self._line = Line(self)
        super().run()

    def enqueue_req(self, conn: Any) -> None:
        """Have what was said on a connection answered: by the one thread, or by any."""
        if self._line and self._line.wants(conn):
            self._line.add(conn)
        else:
            self.enqueue_alone(conn)

    def enqueue_alone(self, conn: Any) -> None:
        """Have it answered by any thread."""
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Answer what was said on a connection, and what is said next if that is said at once."""
        result = self.handle_one(conn)
        while result is True and self._goes_on(conn):
            result = self.handle_one(conn)
        return result

    def handle_one(self, conn: Any) -> Any:
        """Answer one request, and return what gunicorn's finish_request needs to hear of it."""
        return super().handle(conn)

    def finish_all(self, done: Iterable[tuple[Any, Any]]) -> None:
        """Wait for more on these connections, or close them, as their result says."""
        for conn, result in done:
            future: Future[Any] = Future()
            future.set_result(result)
            self.finish_request(conn, future)

    def _goes_on(self, conn: Any) -> bool:
        others = self.tpool._work_queue
        if read_before(conn) or not others.empty():
            return False
        if not is_ready(conn.sock.fileno(), POLLIN, STAY_MS) or not others.empty():
            return False
        return not (self._line and self._line.wants(conn))
