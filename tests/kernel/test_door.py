"""The short way in: what a machine's view is given there, and what is said when it fails."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import Resolver404, path
from django.utils.http import parse_header_parameters

from nexapay.kernel.door import Door, shared
from nexapay.kernel.http import said
from nexapay.webline import Input

UNREADABLE = [
    "text/plain; charset*=nope'en'x",
    "text/plain; charset*0*=nope'en'x",
    "text/plain;charset*\t =nope'en'x",
]
ADDRESSES = override_settings(ROOT_URLCONF="tests.kernel.test_door")


@login_not_required
def machine(request: HttpRequest) -> HttpResponse:
    return said(201, {"heard": request.method, "whole": True}, Allow="POST")


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise IntegrityError("Key (phone)=(+919845068214) already exists.")


@login_not_required
def old(request: HttpRequest) -> HttpResponse:
    connection.ensure_connection()
    connection.close_at = 0  # As one that is older than CONN_MAX_AGE.
    return said(200, {})


@login_not_required
def seen(request: HttpRequest) -> HttpResponse:
    return said(200, {"is_open": connection.connection is not None})


def in_company(requests: Sequence[HttpRequest]) -> list[Any]:
    """Answer all but those who say "left"; the connection is then too old."""
    heard = [request.read() for request in requests]
    connection.ensure_connection()
    connection.close_at = 0
    return [
        None if body == b"left" else lambda _, body=body: said(202, {"heard": body.decode()})
        for body in heard
    ]


@login_not_required
@shared(in_company)
def sociable(request: HttpRequest) -> HttpResponse:
    return said(201, {"heard": request.read().decode()})


urlpatterns = [path(view.__name__, view) for view in (machine, broken, old, seen, sociable)]


class Answer(NamedTuple):
    status: str
    headers: dict[str, str]
    body: bytes


def site(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 The site's", [])
    return [environ["PATH_INFO"].encode()]


def knock(
    at: str, headers: dict[str, str] | None = None, *, secure: bool = False, **given: str
) -> Answer:
    """Ask a door to all the machines' paths; return what a server would send."""
    with ADDRESSES:
        door = Door(site, "/machine", "/broken", "/old", "/seen")
        request = RequestFactory().generic("POST", at, b"{}", secure=secure, headers=headers)
        told: list[Any] = []
        body = b"".join(door(request.environ | given, lambda *head: told.extend(head)))
    return Answer(told[0], dict(told[1]), body)


def knock_together(
    *bodies: bytes, given: dict[str, str] | None = None, **how: Any
) -> list[Answer | None]:
    """Ask a door for several at once, then for each; None for those that it left until then."""
    with ADDRESSES:
        door = Door(site, "/sociable", "/machine")
        environs = [
            RequestFactory().generic("POST", "/sociable", body, **how).environ
            | {"wsgi.input": Input(body)}
            | (given or {})
            for body in bodies
        ]
        door.answer_together(environs)
        left = [environ["wsgi.input"].answer is None for environ in environs]
        told: list[Any] = [[] for _ in environs]
        said = [b"".join(door(each, lambda *given, to=to: to.extend(given)))
                for each, to in zip(environs, told, strict=True)]  # fmt: skip
    return [
        None if was_left else Answer(status, dict(headers), body)
        for was_left, (status, headers), body in zip(left, told, said, strict=True)
    ]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.msg for record in caplog.records if isinstance(record.msg, dict)]


@pytest.mark.django_db
class TestTheShortWay:
    def test_leads_to_the_view_and_back(self) -> None:
        status, headers, body = knock("/machine")

        assert (status, json.loads(body)) == ("201 Created", {"heard": "POST", "whole": True})
        assert headers["Content-Type"] == "application/json"
        assert headers["Content-Length"] == str(len(body))
        assert headers["Allow"] == "POST"

    @pytest.mark.parametrize("elsewhere", ["/", "/machine/", "/machine/x", "/healthz"])
    def test_is_taken_at_the_paths_themselves_alone(self, elsewhere: str) -> None:
        assert knock(elsewhere)[::2] == ("200 The site's", elsewhere.encode())

    def test_leads_to_no_view_that_the_site_does_not_have(self) -> None:
        with ADDRESSES, pytest.raises(Resolver404):
            Door(site, "/machine", "/elsewhere")

    @pytest.mark.parametrize("host", ["evil.example", "", "a b", "testserver:port"])
    def test_leads_nowhere_under_another_name_also_where_it_would_redirect(
        self, host: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Guard: the host is asked for before SecurityMiddleware asks."""
        with override_settings(SECURE_SSL_REDIRECT=True):
            status, headers, body = knock("/machine", {"Host": host})

        assert (status, json.loads(body)["error"]) == ("400 Bad Request", "host")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert '"status": 400' in capfd.readouterr().err

    def test_is_logged_by_route_and_under_the_id_a_proxy_gave(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.INFO)

        answer = knock("/machine?token=s3cret", {"X-Request-ID": "abcdef-123456"})

        written = json.dumps(lines(caplog)) + capfd.readouterr().err
        assert answer.headers["X-Request-ID"] == "abcdef-123456"
        assert '"route": "machine"' in written
        assert '"status": 201' in written
        assert "abcdef-123456" in written
        assert "s3cret" not in written

    def test_is_closed_to_other_names_than_ours(self) -> None:
        status, _, body = knock("/machine", {"Host": "evil.example"})

        assert (status, json.loads(body)["error"]) == ("400 Bad Request", "host")

    def test_guards_its_answers_as_the_site_does(self) -> None:
        headers = knock("/machine").headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Set-Cookie" not in headers

    @override_settings(SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=600)
    def test_is_open_to_https_alone_where_the_site_is(self) -> None:
        assert knock("/machine").headers["Location"] == "https://testserver/machine"
        assert knock("/machine", secure=True).headers["Strict-Transport-Security"] == "max-age=600"

    @pytest.mark.parametrize("at", ["/machine", "/"])
    @pytest.mark.parametrize("what", UNREADABLE)
    def test_is_closed_to_what_django_cannot_read(self, at: str, what: str) -> None:
        """Guard: WSGIRequest would raise, here and in Django's own handler."""
        with pytest.raises(ValueError, match="RFC 2231"):
            parse_header_parameters(what)

        status, _, body = knock(at, CONTENT_TYPE=what)

        assert (status, body[:17]) == ("400 Bad Request", b"That Content-Type")

    def test_never_ends_without_an_answer_and_a_line(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        status, headers, body = knock("/broken")

        written = json.dumps(lines(caplog)) + capfd.readouterr().err
        assert (status, json.loads(body)["error"]) == ("500 Internal Server Error", "internal")
        assert headers["X-Request-ID"] in written
        assert "IntegrityError" in written
        assert "test_door.py" in written
        assert '"status": 500' in written
        assert "9845068214" not in written + body.decode()


@pytest.mark.django_db
class TestSeveralAtOnce:
    def test_are_known_by_their_paths(self) -> None:
        with ADDRESSES:
            door = Door(site, "/sociable", "/machine")

        assert [door.is_shared(at) for at in ("/sociable", "/machine", "/x", "")] == [
            True, False, False, False
        ]  # fmt: skip

    def test_are_answered_each_with_its_own_line_and_id(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level(logging.INFO)

        one, other = knock_together(b"1", b"2")

        assert one
        assert other
        assert [json.loads(each.body)["heard"] for each in (one, other)] == ["1", "2"]
        assert one.status == "202 Accepted"
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        written = capfd.readouterr().err
        assert written.count('"route": "sociable"') == 2
        assert one.headers["X-Request-ID"] in written
        assert other.headers["X-Request-ID"] in written

    def test_may_be_left(self) -> None:
        assert [answer is None for answer in knock_together(b"1", b"left")] == [False, True]

    @pytest.mark.parametrize("what", UNREADABLE)
    def test_are_left_where_django_cannot_read_what_they_are(self, what: str) -> None:
        assert knock_together(b"1", given={"CONTENT_TYPE": what}) == [None]

    @pytest.mark.parametrize("host", ["evil.example", "a b"])
    def test_under_another_name_are_left(self, host: str) -> None:
        assert knock_together(b"1", headers={"Host": host}) == [None]

    @override_settings(SECURE_SSL_REDIRECT=True)
    def test_are_left_where_they_would_be_sent_to_https(self) -> None:
        """Guard: nothing is done for a request that a layer would stop."""
        assert knock_together(b"1") == [None]
        assert knock_together(b"1", secure=True) != [None]


@pytest.mark.django_db(transaction=True)
class TestAConnection:
    def test_that_is_too_old_does_not_outlive_several_at_once(self) -> None:
        knock_together(b"1")

        assert connection.connection is None

    def test_that_is_too_old_does_not_outlive_the_request(self) -> None:
        knock("/old")

        assert connection.connection is None

    def test_that_is_too_old_serves_no_request(self) -> None:
        connection.ensure_connection()
        connection.close_at = 0

        assert json.loads(knock("/seen").body) == {"is_open": False}
