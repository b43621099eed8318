"""A request that lies in its socket whole is known before anybody reads it."""

import socket
from collections.abc import Iterator

import pytest

from nexapay.webline import MOST_BYTES, whole_post
from tests.run.posts import CHUNKED, post


class TestAWholePost:
    @pytest.fixture
    def pair(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            yield ours, theirs

    @pytest.mark.parametrize(
        ("said", "path"),
        [
            (post(), "/shared"),
            (post(b""), "/shared"),
            (post() + post(), "/shared"),
            (post().replace(b"Content-Length", b"content-LENGTH"), "/shared"),
            (post(b"a", "/a/b-c"), "/a/b-c"),
            (b"", ""),
            (post()[:-1], ""),
            (post(b"")[:-1], ""),
            (post().replace(b"POST", b"GET"), ""),
            (post(b"a", "/shared?a=b"), ""),
            (post().replace(b"1.1", b"1.0"), ""),
            (post(b"a", "/shared", "Expect: 100-continue"), ""),
            (b"POST /shared HTTP/1.1\r\nHost: x\r\n\r\n", ""),
            (post().replace(b": 1\r", b": -1\r"), ""),
            (post().replace(b": 1\r", b": 9999999\r"), ""),
            (CHUNKED, ""),
            (post(b"a", "/shared", "Transfer-Encoding: chunked"), ""),
            (post(b"a" * MOST_BYTES), ""),
            (b"\x16\x03\x01\x02\x00\x01\x00", ""),
        ],
    )
    def test_is_known_without_taking_anything(
        self, pair: tuple[socket.socket, socket.socket], said: bytes, path: str
    ) -> None:
        ours, theirs = pair
        theirs.sendall(said)

        assert whole_post(ours) == path
        theirs.close()
        assert b"".join(iter(lambda: ours.recv(65_536), b"")) == said

    def test_is_none_on_a_connection_that_ended(
        self, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        pair[0].close()

        assert whole_post(pair[0]) == ""
