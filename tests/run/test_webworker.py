"""Small requests that machines send at once are answered together, and all others as ever."""

import os
import socket
from collections.abc import Callable, Iterator
from logging import Logger, LoggerAdapter, getLogger
from selectors import DefaultSelector
from threading import Event, Thread, current_thread
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.body import Body
from gunicorn.workers.gthread import ThreadWorker

from nexapay import webworker
from nexapay.webworker import WebWorker
from tests.run.posts import CHUNKED, post
from tests.run.processes import wait_until

READ_AT_ONCE = 8_192  # By gunicorn, of what lies in a socket.


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


class Site:
    """A worker that serves an application in a thread, and those who speak to it."""

    def __init__(self, application: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        config = Config()
        config.set("threads", 4)
        config.set("graceful_timeout", 1)
        app: Any = None
        self.worker = WebWorker(0, os.getppid(), [self.listener], app, 30, config, Log())
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
        self.worker.tmp.close()

    def say(self, said: bytes, client: socket.socket | None = None) -> socket.socket:
        client = client or self.connect()
        client.sendall(said)
        return client

    def connect(self) -> socket.socket:
        """Return a connection that is known: what a new one says first may not be here yet."""
        client = socket.create_connection(self.listener.getsockname(), timeout=60)
        self._clients.append(client)
        client.sendall(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(client) == "alone: "
        return client

    def in_line(self, number: int) -> None:
        wait_until(lambda: self.worker._waiting.qsize() == number, f"{number} stand in line")

    def hold(self) -> socket.socket:
        """Have one asked for, and let its answer wait until the application may go."""
        self.worker.wsgi.go.clear()
        first = self.say(post(b"first"))
        wait_until(lambda: self.worker.wsgi.calls, "the first is taken")
        return first


def answer(client: socket.socket) -> str:
    """Return the body of the next answer."""
    received = b""
    while (head := received.partition(b"\r\n\r\n"))[1] == b"":
        received += client.recv(1)
        assert received, "the connection was closed"
    length = int(head[0].lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    return (client.recv(length, socket.MSG_WAITALL) if length else b"").decode()


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(Application()) as serving:
        yield serving


class TestRequests:
    def test_that_wait_are_answered_together(self, site: Site) -> None:
        first = site.hold()
        others = [site.say(post(b"%d" % number)) for number in range(5)]
        site.in_line(5)

        site.worker.wsgi.go.set()

        assert answer(first) == "1 together: first"
        assert [answer(each) for each in others] == [f"5 together: {n}" for n in range(5)]
        assert [len(call) for call in site.worker.wsgi.calls] == [1, 5]

    def test_that_come_one_after_the_other_keep_their_connection(self, site: Site) -> None:
        client = site.say(post(b"1"))
        first = answer(client)
        site.say(post(b"2"), client)
        second = answer(client)
        site.say(post(b"3", "/other"), client)

        assert (first, second) == ("1 together: 1", "1 together: 2")
        assert answer(client) == "alone: 3"

    def test_that_come_at_once_on_one_connection_are_answered_in_order(self, site: Site) -> None:
        client = site.say(post(b"1") + post(b"2") + post(b"3", "/other"))

        assert [answer(client)[-1] for _ in range(3)] == ["1", "2", "3"]

    def test_are_taken_in_bounds(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(webworker, "MOST", 3)
        first = site.hold()
        others = [site.say(post(b"%d" % number)) for number in range(5)]
        site.in_line(5)

        site.worker.wsgi.go.set()

        assert [answer(each)[0] for each in (first, *others)] == ["1", "3", "3", "3", "2", "2"]

    def test_of_a_client_that_does_not_read_hold_nobody_up(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guard: its answer is written in another thread, which may wait."""
        monkeypatch.setattr(webworker, "_is_reading", lambda _: False)
        written: list[str] = []
        handle = site.worker.handle

        def noting(conn: Any) -> Any:
            written.append(current_thread().name)
            return handle(conn)

        site.worker.handle = noting

        assert answer(site.say(post(b"1"))) == "1 together: 1"
        assert "ThreadPoolExecutor" in written[-1]

    @pytest.mark.parametrize(
        ("header", "told"),
        [
            ("Bad Header : x", b"HTTP/1.1 400"),
            # gunicorn trusts such a header of its proxy's, and raises.
            ("SCRIPT_NAME: /elsewhere", b"HTTP/1.1 500"),
        ],
    )
    def test_that_gunicorn_cannot_read_spoil_no_others(
        self, site: Site, header: str, told: bytes
    ) -> None:
        first = site.hold()
        bad = site.say(post(b"", "/shared", header))
        good = site.say(post(b"good"))
        site.in_line(2)

        site.worker.wsgi.go.set()

        assert bad.recv(12) == told
        assert (answer(first), answer(good)) == ("1 together: first", "1 together: good")

    def test_that_break_off_while_they_are_read_spoil_no_others(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = Body.read

        def reset(body: Any, size: int | None = None) -> Any:
            if size is None:  # All of it, and not what nobody has read.
                raise ConnectionResetError
            return read(body, size)

        client = site.connect()
        with monkeypatch.context() as broken:
            broken.setattr(Body, "read", reset)
            site.say(post(b"gone"), client)
            assert client.recv(1) in (b"", b"H")

        assert answer(site.say(post(b"good"))) == "1 together: good"

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_are_taken_by_another_worker_where_one_can_take_no_more(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def full(*_: object) -> None:
            raise RuntimeError("can't start new thread")

        client = site.connect()
        monkeypatch.setattr(ThreadWorker, "enqueue_req", full)
        client.sendall(post(b"left"))

        wait_until(lambda: not site.worker.alive, "the worker ends")
        assert caplog.messages == ["nobody takes what waits: RuntimeError"]

    def test_are_not_taken_for_what_stands_in_their_body(self, site: Site) -> None:
        """Guard: the next request was read with the last one, up to its body."""
        first, seen = post(b"1"), post(b"2")
        head = post(b"x" * len(seen), "/other", "X-Pad: ")[: -len(seen)]
        pad = b"p" * (READ_AT_ONCE - len(first) - len(head))
        client = site.say(first + head.replace(b"X-Pad: ", b"X-Pad: " + pad) + seen)

        assert [answer(client), answer(client)] == ["1 together: 1", "alone: " + seen.decode()]

    def test_that_are_left_are_asked_for_by_themselves_and_whole(self, site: Site) -> None:
        first = site.hold()
        others = [site.say(post(body)) for body in (b"x", b"left", b"y")]
        site.in_line(3)

        site.worker.wsgi.go.set()

        assert answer(first) == "1 together: first"
        assert [answer(each) for each in others] == [
            "3 together: x",
            "alone: left",
            "3 together: y",
        ]

    def test_that_cannot_be_answered_together_are_asked_for_by_themselves(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        site.worker.wsgi.breaks = True
        broken = answer(site.say(post(b"whole")))
        site.worker.wsgi.breaks = False

        assert broken == "alone: whole"
        assert caplog.messages == ["not answered together: ValueError"]
        assert answer(site.say(post(b"later"))) == "1 together: later"

    def test_of_others_are_answered_meanwhile(self, site: Site) -> None:
        first = site.hold()

        assert answer(site.say(b"GET /shared HTTP/1.1\r\nHost: x\r\n\r\n")) == "alone: "
        assert answer(site.say(CHUNKED)) == "alone: a"
        site.worker.wsgi.go.set()
        assert answer(first) == "1 together: first"

    def test_of_an_application_that_knows_nothing_of_it_are_served(self) -> None:
        with Site(Application().__call__) as site:
            assert answer(site.say(post())) == "alone: a"
