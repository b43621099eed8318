"""Student wallets: a webhook that came again, or with an unknown token, was never answered."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.onramp.support import URL, message, signed, start

pytestmark = pytest.mark.django_db(transaction=True)


def told(site: Any, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Post over a real connection and read the answer to its end; silence fails, in the end."""
    connection = HTTPConnection(urlsplit(site.url).netloc, timeout=20)
    try:
        connection.request("POST", URL, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


class TestAWebhook:
    def test_is_answered_whatever_it_says(self, live_server: Any) -> None:
        onramp = start()
        good = json.dumps(message(onramp)).encode()
        unknown = json.dumps(message(onramp, token="nobody-knows-me")).encode()
        failed = json.dumps(message(onramp, "failure")).encode()
        first = signed(good)

        answers = [
            told(live_server, good, first),
            told(live_server, good, first),
            told(live_server, good, signed(good)),
            told(live_server, unknown, signed(unknown)),
            told(live_server, failed, signed(failed)),
            told(live_server, b"not json", signed(b"not json")),
            told(live_server, good, {}),
        ]

        assert [status for status, _ in answers] == [200, 200, 200, 404, 409, 400, 401]
        assert answers[1:3] == [(200, {"status": "success", "duplicate": True})] * 2
        assert [said["error"] for _, said in answers[3:]] == [
            *("unknown_token", "contradiction", "malformed", "signature")
        ]
