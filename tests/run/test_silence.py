"""A client that stops in the middle of a request holds a thread of ours for a moment only."""

import logging
import runpy
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import Any

import pytest

REQUEST = b"POST /webhooks/bank/ HTTP/1.1\r\nContent-Length: 300\r\n\r\n{"
CONFIG = Path(__file__).resolve().parents[2] / "docker" / "gunicorn.py"


@pytest.fixture
def accepted() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return a client, and its connection as the server accepts it once it is ready."""
    ready: Any = runpy.run_path(str(CONFIG))["when_ready"]
    ready.__globals__["SILENCE_S"] = 0.05
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ready(SimpleNamespace(LISTENERS=[SimpleNamespace(sock=listening)]))
        with socket.create_connection(listening.getsockname()) as client:
            client.sendall(REQUEST)
            ours, _ = listening.accept()
            with ours:
                ours.settimeout(None)  # As gunicorn reads.
                ending = Timer(10, client.shutdown, [socket.SHUT_WR])  # Nobody waits for ever.
                ending.start()
                yield client, ours
                ending.cancel()


class TestAConnection:
    def test_that_falls_silent_is_given_up(
        self, accepted: tuple[socket.socket, socket.socket]
    ) -> None:
        _, ours = accepted

        assert ours.recv(8_192).endswith(b"{")
        with pytest.raises(BlockingIOError):
            ours.recv(8_192)

    def test_that_has_said_nothing_is_not_accepted(self) -> None:
        ready: Any = runpy.run_path(str(CONFIG))["when_ready"]
        with socket.create_server(("127.0.0.1", 0)) as listening:
            ready(SimpleNamespace(LISTENERS=[SimpleNamespace(sock=listening)]))
            with socket.create_connection(listening.getsockname()) as client:
                listening.settimeout(0)
                with pytest.raises(BlockingIOError):
                    listening.accept()

                client.sendall(b"G")
                listening.settimeout(10)
                listening.accept()[0].close()

    @pytest.mark.parametrize(
        ("error", "is_said"), [(BlockingIOError(), False), (ConnectionError(), True), (None, True)]
    )
    def test_is_no_news_for_the_log(self, error: Exception | None, *, is_said: bool) -> None:
        is_no_silence = runpy.run_path(str(CONFIG))["is_no_silence"]
        record = (
            logging.LogRecord(
                "gunicorn.error", logging.ERROR, "", 0, "", (), (type(error), error, None)
            )
            if error
            else logging.makeLogRecord({})
        )

        assert is_no_silence(record) is is_said
