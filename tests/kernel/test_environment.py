"""A malformed environment stops the start with one sentence that names the variable."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from nexapay import env


class TestMail:
    @pytest.mark.parametrize(
        ("url", "port", "tls", "ssl"),
        [
            ("smtp://m.example", 25, False, False),
            ("smtp://m.example?tls=1", 587, True, False),
            ("smtp://m.example:2525/?ssl=1", 2525, False, True),
            ("smtps://m.example", 465, False, True),
        ],
    )
    def test_is_sent_as_its_url_says(
        self, monkeypatch: pytest.MonkeyPatch, url: str, port: int, *, tls: bool, ssl: bool
    ) -> None:
        monkeypatch.setenv("EMAIL_URL", url)

        found = env.mail("EMAIL_URL")

        names = ("EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_USE_SSL")
        assert [found[name] for name in names] == [port, tls, ssl]

    def test_knows_its_user_and_password(self, monkeypatch: Any) -> None:
        monkeypatch.setenv("EMAIL_URL", "smtp://a%40b:p%2Fw@m.example:587?tls=1")

        found = env.mail("EMAIL_URL")

        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("a@b", "p/w")

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "m.example:25",
            "http://m.example",
            "smtp://",
            "smtp://m.example:x",
            "smtp://m.example/path",
            "smtp://m.example?tls=yes",
            "smtps://m.example?tls=1",
        ],
    )
    def test_refuses_what_it_cannot_read(self, monkeypatch: Any, url: str) -> None:
        monkeypatch.setenv("EMAIL_URL", url)

        with pytest.raises(ImproperlyConfigured, match=r"^EMAIL_URL "):
            env.mail("EMAIL_URL")
