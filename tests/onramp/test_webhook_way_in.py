"""The way a webhook takes under a real server: what is said there is what the site would say."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.servers.basehttp import get_internal_wsgi_application
from django.test import Client, RequestFactory

from onramp import services
from onramp.models import BankEvent
from tests.factories import available
from tests.onramp.support import URL, message, signed, start

pytestmark = pytest.mark.django_db
JSON = "application/json"
TOLD = ("Allow", "Retry-After", "Content-Type", "X-Content-Type-Options")


def by_the_door(at: str, body: bytes, headers: dict[str, str], **how: Any) -> tuple[Any, ...]:
    """Send a request to what a server serves; return what it is told."""
    asked = RequestFactory().generic(how.pop("method", "POST"), at, body, JSON, headers=headers)
    told: list[Any] = []
    application: Any = get_internal_wsgi_application()  # nexapay.wsgi, as a server loads it.
    said = b"".join(application(asked.environ | how, lambda *head: told.extend(head)))
    kept = dict(told[1])
    return int(told[0][:3]), json.loads(said), [kept.get(name) for name in TOLD]


def by_the_site(at: str, body: bytes, headers: dict[str, str], **how: Any) -> tuple[Any, ...]:
    """Send the same to Django's own handler."""
    method = how.pop("method", "POST")
    answer: Any = Client().generic(method, at, body, JSON, headers=headers, **how)
    told = [answer.headers.get(name) for name in TOLD]
    return answer.status_code, json.loads(answer.content), told


def away(**_: Any) -> None:
    raise services.Busy("NexaPay is busy.")


def said(**data: Any) -> bytes:
    return json.dumps(message(start(), **data)).encode()


class TestTheWayIn:
    @pytest.mark.parametrize("at", [URL, URL.rstrip("/")])
    def test_leads_to_one_credit(self, at: str) -> None:
        onramp = start(amount_minor=50_000)
        body = json.dumps(message(onramp)).encode()
        headers = signed(body, event_id="evt_1")

        first, again = (by_the_door(at, body, headers) for _ in range(2))

        assert first[:2] == (200, {"status": "success"})
        assert again[:2] == (200, {"status": "success", "duplicate": True})
        assert available(onramp.wallet) == 50_000
        event = BankEvent.objects.get()
        assert event.headers.items() >= headers.items()
        assert event.headers.keys() == {*headers, "key-id"}

    def test_passes_none_of_what_pages_need(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any) -> None:
            raise AssertionError("Django's handler was asked")

        monkeypatch.setattr("django.core.handlers.base.BaseHandler.get_response", refuse)
        body = said()

        assert by_the_door(URL, body, signed(body))[0] == 200

    @pytest.mark.parametrize(
        ("make", "how"),
        [
            (lambda: (said(), {}), {}),
            (lambda: ((body := said(token="t" * 43)), signed(body)), {}),
            (lambda: ((body := said(amount_minor=1)), signed(body)), {}),
            (lambda: ((body := b"not json"), signed(body)), {}),
            (lambda: (b"{}", signed(b"{}", event_id="evt 1")), {}),
            (lambda: (b"{}" * 40_000, {}), {}),
            (lambda: (b"{}", {}), {"CONTENT_LENGTH": ""}),
            (lambda: (b"", {}), {"method": "GET"}),
            (lambda: (b"", {}), {"method": "OPTIONS"}),
        ],
        ids=["forged", "unknown", "other terms", "malformed", "odd id", "large", "endless", "get",
             "options"],
    )  # fmt: skip
    def test_ends_in_the_same_answer(
        self, make: Callable[[], tuple[bytes, dict[str, str]]], how: dict[str, Any]
    ) -> None:
        body, headers = make()

        answer = by_the_door(URL, body, headers, **how)

        assert answer == by_the_site(URL, body, headers, **how)
        assert answer[0] >= 400

    def test_ends_in_the_same_answer_when_we_are_busy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(services, "record_bank_event", away)
        body = said()
        headers = signed(body)

        answer = by_the_door(URL, body, headers)

        assert answer == by_the_site(URL, body, headers)
        assert answer[0] == 503
