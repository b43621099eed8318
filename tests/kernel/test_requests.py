"""What every request passes through."""

import io
import json
import logging
import re
from typing import Any

import pytest
import structlog
from django.conf import LazySettings, settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.signals import request_finished, request_started
from django.db import IntegrityError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from nexapay import urls as project
from nexapay.kernel import door
from tests.factories import make_user


@login_not_required
def broken(request: HttpRequest, token: str) -> HttpResponse:
    raise IntegrityError("Key (phone)=(+919845068214) already exists.")


ANSWERS: dict[str, tuple[type[Exception], int]] = {
    "nothing": (Http404, 404),
    "private": (PermissionDenied, 403),
    "forged": (SuspiciousOperation, 400),
    "unreadable": (BadRequest, 400),
}


@login_not_required
def answer(request: HttpRequest, kind: str) -> HttpResponse:
    raise ANSWERS[kind][0]("of 9845068214")


urlpatterns = [
    path("broken/<str:token>/", broken),
    path("answer/<str:kind>/", answer),
    *project.urlpatterns,
]
handler400 = project.handler400
handler403 = project.handler403
handler404 = project.handler404
handler500 = project.handler500


class Gone(io.StringIO):
    """A pipe whose reader is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return the requests' own lines: all that is written to standard error while a test runs."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def said(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return what the standard library's loggers were told."""
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]


@pytest.mark.django_db
class TestRequestLog:
    def test_gives_each_request_an_id_and_repeats_the_one_a_proxy_gave(
        self, client: Client, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert len(client.get("/healthz")["X-Request-ID"]) == 32

        answer = client.get("/healthz", headers={"X-Request-ID": "abcdef-123456"})

        assert answer["X-Request-ID"] == "abcdef-123456"
        assert written(capsys)[-1]["request_id"] == "abcdef-123456"
        assert structlog.contextvars.get_contextvars() == {}

    def test_writes_the_line_that_structlog_would(
        self,
        client: Client,
        capsys: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        client.get("/healthz", headers={"X-Request-ID": "abcdef-123456"})
        [line] = written(capsys)
        with structlog.contextvars.bound_contextvars(request_id="abcdef-123456"):
            structlog.get_logger("nexapay.request").info(
                "request", method="GET", route="healthz", status=200, ms=line["ms"]
            )
        [like] = said(caplog)

        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", line["timestamp"])
        assert list(line.items())[:-1] == list(like.items())[:-1]
        assert list(line)[-1] == list(like)[-1] == "timestamp"

    def test_writes_no_line_of_a_level_that_is_off(
        self, client: Client, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            client.get("/healthz")

        assert written(capsys) == []

    def test_answers_though_nobody_reads_its_lines_any_more(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stderr", Gone())

        assert client.get("/healthz").status_code == 200

    def test_refuses_an_id_that_could_forge_a_line(self, client: Client) -> None:
        answer = client.get("/healthz", headers={"X-Request-ID": 'x" evil=1'})

        assert len(answer["X-Request-ID"]) == 32

    @override_settings(ROOT_URLCONF="tests.kernel.test_requests")
    def test_logs_an_exception_without_its_message_path_or_query(
        self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        client = Client(raise_request_exception=False)

        answer = client.get("/broken/s3cret-token/?phone=9845068214")

        assert answer.status_code == 500
        assert "it may have gone through" in answer.content.decode()
        [told], [line] = said(caplog), written(capsys)
        assert told["request_id"] == line["request_id"] == answer["X-Request-ID"]
        assert told["error"] == "IntegrityError"
        assert "test_requests.py" in str(told["at"])
        for private in ("9845068214", "s3cret", "already exists"):
            assert private not in json.dumps([told, line], default=str)

    @override_settings(ROOT_URLCONF="tests.kernel.test_requests")
    @pytest.mark.parametrize("kind", ANSWERS)
    def test_calls_no_answer_an_exception(
        self,
        client: Client,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
        kind: str,
    ) -> None:
        assert client.get(f"/answer/{kind}/").status_code == ANSWERS[kind][1]

        assert [line["status"] for line in written(capsys)] == [ANSWERS[kind][1]]
        assert said(caplog) == []

    def test_says_of_a_wrong_host_what_it_says_of_every_request(
        self,
        client: Client,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        answer = client.get("/", headers={"Host": "evil.example"})

        assert answer.status_code == 400
        assert [line["status"] for line in written(capsys)] == [400]
        assert said(caplog) == []

    @pytest.mark.parametrize(
        "name",
        [
            "django.request",
            "django.server",
            "django.security.csrf",
            "django.security.DisallowedHost",
            "django.security.TooManyFieldsSent",
        ],
    )
    def test_is_the_only_one_to_speak_of_requests(self, name: str) -> None:
        assert not logging.getLogger(name).isEnabledFor(logging.CRITICAL)

    def test_writes_json_lines(self) -> None:
        handler = logging.getLogger().handlers[0]
        assert isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)

        record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "hello"})

        assert json.loads(handler.format(record))["event"] == "hello"


class TestWhatARequestIsSpared:
    def test_listeners_with_nothing_to_do(self) -> None:
        """Whoever is new among Django's own is to be looked at: is there something for it to do?"""
        door.spare_listeners()  # Again: django.test.Client connects one of them for the next test.

        assert (request_started.receivers, request_finished.receivers) == ([], [])

    def test_a_detour_to_each_setting(self) -> None:
        assert LazySettings.__getattribute__ is object.__getattribute__
        before = settings.SIGN_INS_PER_MINUTE

        with override_settings(SIGN_INS_PER_MINUTE=before + 1):
            assert before + 1 == settings.SIGN_INS_PER_MINUTE

        assert before == settings.SIGN_INS_PER_MINUTE
        assert not hasattr(settings, "NO_SUCH_SETTING")


@pytest.mark.django_db(transaction=True)
class TestTheDatabasesConnection:
    def test_that_failed_is_asked_whether_it_lives(self, client: Client) -> None:
        connection.ensure_connection()
        connection.connection.close()
        connection.errors_occurred = True

        assert client.get("/healthz").status_code == 200

        assert connection.connection is None


@pytest.mark.django_db
class TestDoors:
    @pytest.mark.parametrize("path", ["/dashboard/", "/transactions/", "/admin/", "/settings/"])
    def test_are_locked_for_strangers(self, client: Client, path: str) -> None:
        answer = client.get(path, follow=True)

        assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=")

    def test_send_a_stranger_s_fragment_request_to_sign_in_as_a_whole_page(
        self, client: Client
    ) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/transactions/?q=x"}

        answer = client.get("/transactions/", headers=headers)

        assert answer.status_code == 401
        assert answer["HX-Redirect"] == "/accounts/login/?next=%2Ftransactions%2F"

    def test_keep_no_copies_of_private_pages(self, client: Client) -> None:
        client.force_login(make_user())

        assert "no-store" in client.get("/dashboard/")["Cache-Control"]


@pytest.mark.django_db
class TestAnswers:
    def test_refuse_other_charsets_than_utf_8(self, client: Client) -> None:
        answer = client.post("/accounts/login/", b"x", "text/plain; charset=utf-7")

        assert answer.status_code == 415

    def test_answer_what_does_not_exist_in_words(self, client: Client) -> None:
        answer = client.get("/nowhere/")

        assert answer.status_code == 404
        assert "could not find that page" in answer.content.decode()
