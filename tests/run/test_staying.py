"""Who answered on a connection goes on with it, where its next request is there at once."""

from collections.abc import Callable, Iterator
from threading import Event, current_thread
from typing import Any

import pytest

from nexapay import webline, webworker
from nexapay.kernel.sockets import is_ready
from tests.run.posts import post
from tests.run.processes import wait_until
from tests.run.serving import Application, Site, answer

FOR_EVER = 100  # Seconds: longer than anybody here waits for an answer.


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


class Noting(Application):
    """Notes what was asked for, and by which thread; /first waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.threads: list[str] = []
        self.first = Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.asked.append(environ["PATH_INFO"])
        self.threads.append(current_thread().name)
        if environ["PATH_INFO"] == "/first":
            assert self.first.wait(FOR_EVER)
        return super().__call__(environ, start_response)


class TestAThread:
    @pytest.fixture
    def site(self) -> Iterator[Site]:
        with Site(Noting(), threads=1) as serving:
            yield serving

    def test_goes_on_with_its_connection(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(webworker, "STAY_MS", FOR_EVER * 1000)
        client = site.connect()
        monkeypatch.setattr(site.worker, "enqueue_req", None)  # The main thread has no part in it.

        for path in ("/a", "/b"):
            assert answer(site.say(get(path), client)) == "alone: "

        assert site.worker.wsgi.asked == ["/other", "/a", "/b"]
        client.close()

    def test_waits_for_nothing_that_was_read_before(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webworker, "STAY_MS", FOR_EVER * 1000)
        client = site.say(get("/a") + get("/b"))

        assert [answer(client), answer(client)] == ["alone: "] * 2

    def test_lets_others_go_first(self, site: Site) -> None:
        one, other = site.connect(), site.connect()
        site.say(get("/first"), one)
        wait_until(lambda: "/first" in site.worker.wsgi.asked, "the first is asked for")
        site.say(get("/second"), other)
        wait_until(lambda: site.worker.tpool._work_queue.qsize(), "the second waits")
        site.say(get("/third"), one)

        site.worker.wsgi.first.set()

        assert [answer(each) for each in (one, other, one)] == ["alone: "] * 3
        assert site.worker.wsgi.asked[-3:] == ["/first", "/second", "/third"]

    def test_does_not_wait_where_others_do(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = site.connect(), site.connect()
        site.say(get("/first"), one)
        wait_until(lambda: "/first" in site.worker.wsgi.asked, "the first is asked for")
        site.say(get("/second"), other)
        wait_until(lambda: site.worker.tpool._work_queue.qsize(), "the second waits")
        monkeypatch.setattr(webworker, "STAY_MS", FOR_EVER * 1000)

        site.worker.wsgi.first.set()

        assert [answer(each) for each in (one, other)] == ["alone: "] * 2
        other.close()

    def test_lets_others_go_first_who_came_while_it_waited(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits = Event()

        def wait(*args: int) -> bool:
            waits.set()  # Whoever came before would have gone first for another reason.
            return is_ready(*args)

        monkeypatch.setattr(webworker, "STAY_MS", FOR_EVER * 1000)
        monkeypatch.setattr(webworker, "is_ready", wait)
        one = site.connect()
        assert waits.wait(FOR_EVER)
        other = site.say(get("/second"), site.connect_unknown())
        wait_until(lambda: site.worker.tpool._work_queue.qsize(), "the second waits")
        site.say(get("/third"), one)

        assert answer(other) == "alone: "
        other.close()
        assert answer(one) == "alone: "
        assert site.worker.wsgi.asked[-2:] == ["/second", "/third"]

    def test_leaves_what_can_be_answered_together(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webworker, "STAY_MS", FOR_EVER * 1000)
        client = site.connect()

        assert answer(site.say(post(b"1"), client)) == "1 together: 1"

    def test_is_free_when_nothing_more_is_said(self, site: Site) -> None:
        clients = [site.connect() for _ in range(3)]

        assert [answer(site.say(get("/again"), each)) for each in clients] == ["alone: "] * 3
        wait_until(lambda: len(site.worker.keepalived_conns) == 3, "all are kept by gunicorn")

    def test_answers_nothing_more_when_the_worker_ends(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webworker, "STAY_MS", FOR_EVER * 1000)
        client = site.connect()
        site.worker.alive = False
        site.say(get("/last"), client)

        assert answer(client) == "alone: "
        assert client.recv(1) == b""


class TestTheLine:
    @pytest.fixture
    def site(self) -> Iterator[Site]:
        with Site(Noting()) as serving:
            yield serving

    def test_goes_on_with_its_connections(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webline, "KEEP_S", FOR_EVER)
        clients = [site.say(post(b"1")) for _ in range(2)]
        assert [answer(client)[-1] for client in clients] == ["1", "1"]
        monkeypatch.setattr(site.worker, "enqueue_req", None)  # The main thread has no part in it.

        for said in (b"2", b"3"):
            told = [answer(site.say(post(said), client)) for client in clients]
            assert told == [f"1 together: {said.decode()}"] * 2

    def test_leaves_a_connection_on_which_something_else_is_said(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webline, "KEEP_S", FOR_EVER)
        client = site.say(post(b"1"))
        said = [answer(client)]
        said += [answer(site.say(each, client)) for each in (get("/other"), post(b"2"))]

        assert said == ["1 together: 1", "alone: ", "1 together: 2"]
        assert "ThreadPoolExecutor" in site.worker.wsgi.threads[-2]

    def test_keeps_no_connection_on_which_something_else_was_said_before(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guard: whoever shares one with others, behind a proxy, would wait for them each time."""
        monkeypatch.setattr(webline, "KEEP_S", FOR_EVER)
        client = site.say(post(b"1"))
        for each in (get("/other"), post(b"2")):
            answer(client)
            site.say(each, client)
        answer(client)
        wait_until(lambda: len(site.worker.keepalived_conns) == 1, "gunicorn keeps it")
        site.hold()

        assert answer(site.say(get("/other"), client)) == "alone: "
        site.worker.wsgi.go.set()

    def test_leaves_a_connection_whose_next_request_was_read_with_the_last(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webline, "KEEP_S", FOR_EVER)
        client = site.say(post(b"1") + post(b"2"))

        assert [answer(client)[-1], answer(client)[-1]] == ["1", "2"]

    def test_leaves_a_connection_that_is_to_be_closed(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webline, "KEEP_S", FOR_EVER)
        client = site.say(post(b"1", "/shared", "Connection: close"))

        assert answer(client) == "1 together: 1"
        assert client.recv(1) == b""

    def test_leaves_a_connection_that_was_closed(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(webline, "KEEP_S", FOR_EVER)
        client = site.say(post(b"1"))
        answer(client)
        client.close()

        wait_until(lambda: site.worker.nr_conns == 0, "nobody is connected")

    def test_gives_a_connection_back_that_fell_silent(self, site: Site) -> None:
        client = site.say(post(b"1"))
        answer(client)

        wait_until(lambda: len(site.worker.keepalived_conns) == 1, "gunicorn keeps it")
        assert answer(site.say(post(b"2"), client)) == "1 together: 2"

    def test_gives_all_back_when_the_worker_ends(self, site: Site) -> None:
        clients = [site.say(post(b"1")) for _ in range(3)]
        for client in clients:
            answer(client)
        site.worker.handle_exit(0, None)

        assert [client.recv(1) for client in clients] == [b""] * 3
