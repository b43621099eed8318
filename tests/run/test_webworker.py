"""Small requests that machines send at once are answered together, and all others as ever."""

from collections.abc import Iterator
from threading import current_thread
from typing import Any

import pytest
from gunicorn.http.body import Body
from gunicorn.workers.gthread import ThreadWorker

from nexapay import webline
from tests.run.posts import CHUNKED, post
from tests.run.processes import wait_until
from tests.run.serving import Application, Site, answer

READ_AT_ONCE = 8_192  # By gunicorn, of what lies in a socket.


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
        monkeypatch.setattr(webline, "MOST", 3)
        first = site.hold()
        others = [site.say(post(b"%d" % number)) for number in range(5)]
        site.in_line(5)

        site.worker.wsgi.go.set()

        assert [answer(each)[0] for each in (first, *others)] == ["1", "3", "3", "3", "2", "2"]

    def test_of_a_client_that_does_not_read_hold_nobody_up(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guard: its answer is written in another thread, which may wait."""
        monkeypatch.setattr(webline, "_is_reading", lambda _: False)
        written: list[str] = []
        handle_one = site.worker.handle_one

        def noting(conn: Any) -> Any:
            written.append(current_thread().name)
            return handle_one(conn)

        client = site.connect()
        monkeypatch.setattr(site.worker, "handle_one", noting)

        assert answer(site.say(post(b"1"), client)) == "1 together: 1"
        assert "ThreadPoolExecutor" in written[0]

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
