"""A malformed environment stops the start with one sentence that names the variable."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from nexapay import env
from tests.cluster import ROOT


def run(*argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | variables
    return subprocess.run(
        [sys.executable, *argv], cwd=ROOT, env=environment, capture_output=True, text=True
    )


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("DEFAULT_CURRENCY", "XXQ"),
            ("ALLOWED_HOSTS", " , "),
            ("WEB_CONCURRENCY", "65"),
            ("BANK_WEBHOOK_MODE", "sometimes"),
            ("LOG_LEVEL", "LOUD"),
            ("EMAIL_URL", "mail.example.com"),
            ("CHECKPOINT_KEY", "c2hvcnQ="),
            ("CHECKPOINT_ORIGIN", "two words"),
            ("CHECKPOINT_VERIFIERS", "pay.example.com/ledger"),
        ],
    )
    def test_refuse_in_one_sentence(self, name: str, value: str) -> None:
        done = run("manage.py", "check", **{name: value})

        assert done.returncode == 1
        assert done.stderr.startswith(name)
        assert done.stderr.count("\n") == 1

    def test_sign_as_the_site_unless_told_and_with_no_key(self) -> None:
        code = "from nexapay import settings as s; print(s.CHECKPOINT_ORIGIN, s.CHECKPOINT_KEY)"

        done = run("-c", code, SITE_URL="https://pay.example.com:8443", CHECKPOINT_KEY="")

        assert done.stdout.split() == ["pay.example.com/ledger", "None"]

    def test_ask_for_a_sender_where_mail_is_sent(self) -> None:
        done = run("manage.py", "check", EMAIL_URL="smtp://mail.example.com")

        assert done.stderr.startswith("DEFAULT_FROM_EMAIL is not set.")

    def test_send_no_mail_unless_told(self) -> None:
        done = run("-c", "from nexapay import settings as s; print(s.EMAIL_BACKEND, s.SENDS_MAIL)")

        assert done.stdout.split() == ["django.core.mail.backends.dummy.EmailBackend", "False"]

    def test_print_mail_where_that_is_asked_for(self) -> None:
        code = "from nexapay import settings as s; print(s.EMAIL_BACKEND, s.SENDS_MAIL)"

        done = run("-c", code, EMAIL_URL="console:")

        assert done.stdout.split() == ["django.core.mail.backends.console.EmailBackend", "True"]


class TestGunicorn:
    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("WEB_CONCURRENCY", "two", "it must be a number from 1 to 64."),
            ("PORT", "0", "it must be a number from 1 to 65535."),
        ],
    )
    def test_refuses_in_one_sentence(self, name: str, value: str, sentence: str) -> None:
        done = run("docker/gunicorn.py", **{name: value, "PYTHONPATH": str(ROOT)})

        assert (done.returncode, done.stderr) == (1, f"{name} is {value!r}; {sentence}\n")


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


class TestVerifierKeys:
    """As https://c2sp.org/signed-note writes them; this one is from Go's documentation."""

    PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

    def test_may_be_several(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CHECKPOINT_VERIFIERS", f"{self.PETER} {self.PETER}")

        assert env.verifiers("CHECKPOINT_VERIFIERS") == [self.PETER] * 2

    @pytest.mark.parametrize("text", [PETER[1:], PETER.replace("ARpc", "BRpc"), PETER[:-1]])
    def test_are_refused_when_they_are_none(
        self, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("CHECKPOINT_VERIFIERS", text)

        with pytest.raises(ImproperlyConfigured, match="CHECKPOINT_VERIFIERS must hold verifier"):
            env.verifiers("CHECKPOINT_VERIFIERS")
