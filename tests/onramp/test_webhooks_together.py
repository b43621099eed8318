"""Webhooks that came at once: recorded in one transaction, answered as if each had come alone."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.servers.basehttp import get_internal_wsgi_application
from django.test import RequestFactory

from nexapay.webline import Input
from onramp import services
from onramp.models import BankEvent
from tests.factories import available
from tests.onramp.offramps import submitted, word
from tests.onramp.support import URL, message, signed, start

pytestmark = pytest.mark.django_db
Sent = tuple[bytes, dict[str, str]]
SUCCESS = (200, {"status": "success"})


def sent(said: Any, event_id: str | None = None, **headers: str) -> Sent:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return body, signed(body, event_id=event_id) | headers


def came(webhooks: list[Sent], **how: Any) -> list[dict[str, Any]]:
    """Have those answered together that can be, as a web worker does; return all."""
    environs = []
    for body, headers in webhooks:
        request = RequestFactory().generic("POST", URL, body, "application/json", headers=headers)
        given = {"wsgi.input": Input(body), "CONTENT_LENGTH": str(len(body))}
        environs.append(request.environ | given | how)
    application: Any = get_internal_wsgi_application()  # nexapay.wsgi, as a server loads it.
    application.answer_together(environs)
    for environ in environs:
        environ["wsgi.input"].seek(0)
    return environs


def left(environs: list[dict[str, Any]]) -> list[bool]:
    return [environ["wsgi.input"].answer is None for environ in environs]


def told(environs: list[dict[str, Any]]) -> list[tuple[int, Any]]:
    """Ask for the answer of each, as a web worker does then."""
    application: Any = get_internal_wsgi_application()
    answers = []
    for environ in environs:
        head: list[Any] = []
        said = b"".join(application(environ, lambda *given, to=head: to.extend(given)))
        answers.append((int(head[0][:3]), json.loads(said) if said else None))
    return answers


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is called to record webhooks, in order; each does its work."""
    called: list[str] = []

    def noting(name: str, act: Callable[..., Any], **given: Any) -> Any:
        called.append(name)
        return act(**given)

    for name in ("record_bank_event", "record_bank_events"):
        monkeypatch.setattr(services, name, partial(noting, name, getattr(services, name)))
    return called


class TestWebhooks:
    def test_that_come_at_once_are_recorded_at_once(self, acts: list[str]) -> None:
        onramps = [start(amount_minor=50_000) for _ in range(3)]

        answers = told(came([sent(message(onramp)) for onramp in onramps]))

        assert answers == [SUCCESS] * 3
        assert acts == ["record_bank_events"]
        assert [available(onramp.wallet) for onramp in onramps] == [50_000] * 3

    def test_are_kept_as_one_alone_is(self) -> None:
        body, headers = sent(message(start()))

        came([(body, headers), sent(message(start()))])

        event = BankEvent.objects.get(event_id=headers["webhook-id"])
        assert bytes(event.body) == body
        assert event.headers.items() >= headers.items()
        assert event.headers.keys() == {*headers, "key-id"}

    def test_are_each_answered_as_if_it_had_come_alone(self) -> None:
        onramp, offramp, other = start(amount_minor=50_000), submitted(), start()
        body, headers = sent(message(onramp), "evt_1")
        webhooks = [
            (body, headers),
            (body, headers),
            sent(message(onramp, amount_minor=7), "evt_1"),
            sent(message(other, token="t" * 43)),
            sent(message(other, amount_minor=1)),
            (body, {}),
            sent(b"not json"),
            sent(b"{}", "evt 2"),
            sent(word(offramp)),
            sent(message(other)),
        ]

        waiting = came(webhooks)
        were_left, answers = left(waiting), told(waiting)

        assert [status for status, _ in answers] == [
            200, 200, 422, 404, 422, 401, 400, 400, 200, 200
        ]  # fmt: skip
        assert answers[1] == (200, {"status": "success", "duplicate": True})
        assert [number for number, is_left in enumerate(were_left) if is_left] == [5, 6, 7]
        assert available(onramp.wallet) == 50_000
        assert available(other.wallet) == 50_000

    def test_are_recorded_by_themselves_where_that_failed(
        self,
        acts: list[str],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def away(**_: Any) -> None:
            raise services.Busy("NexaPay is busy.")

        monkeypatch.setattr(services, "record_bank_events", away)
        onramps = [start(), start()]

        answers = told(came([sent(message(onramp)) for onramp in onramps]))

        assert answers == [SUCCESS] * 2
        assert acts == ["record_bank_event"] * 2
        [said] = [r.msg for r in caplog.records if isinstance(r.msg, dict) and "error" in r.msg]
        assert (said["event"], said["error"]) == ("not recorded together", "Busy")

    def test_that_the_site_would_not_hear_move_nothing(self) -> None:
        """Guard: the name of the site is asked for before anything is recorded."""
        onramp = start()

        answers = told(came([sent(message(onramp), Host="evil.example")]))

        assert [status for status, _ in answers] == [400]
        assert available(onramp.wallet) == 0

    def test_that_are_no_posts_are_left(self) -> None:
        assert left(came([sent(message(start()))], REQUEST_METHOD="PUT")) == [True]


class TestAQueuedInbox:
    def test_stores_them_at_once(self, settings: Any) -> None:
        settings.BANK_WEBHOOK_MODE = "queue"
        onramp, copied = start(), start()
        webhooks = [sent(message(onramp)), *[sent(message(copied), "evt_1")] * 2, sent(b"no")]

        waiting = came(webhooks)

        assert left(waiting) == [False, False, False, True]
        *taken, (status, _) = told(waiting)
        assert taken == [
            (202, {"status": "queued"}),
            (202, {"status": "queued"}),
            (202, {"status": "queued", "duplicate": True}),
        ]
        assert status == 400
        assert available(onramp.wallet) == 0
        assert BankEvent.objects.filter(status="received").count() == 2
