"""The webhook's door: who may knock, with how much, and what is said when it cannot open."""

import json
from typing import Any, cast

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from tests.factories import make_wallet
from tests.onramp.support import (
    URL,
    answered,
    message,
    post,
    post_raw,
    refused,
    signed,
    start,
)

pytestmark = pytest.mark.django_db


class TestTheDoor:
    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
    def test_takes_post_only(self, method: str) -> None:
        response = getattr(Client(), method)(URL)

        assert (response.status_code, response["Allow"]) == (405, "POST")

    def test_refuses_64_kib_and_a_byte(self) -> None:
        body = b"{" + b" " * 64 * 1024

        assert refused(post_raw(body, signed(body))) == (413, "too_large")

    def test_takes_64_kib(self) -> None:
        said = json.dumps(message(start())).encode()
        body = said + b" " * (64 * 1024 - len(said))

        assert post(body).status_code == 200

    def test_refuses_by_the_claimed_length_alone(self) -> None:
        response = Client().post(
            URL, b"{}", content_type="application/json", CONTENT_LENGTH="99999999999999999999"
        )

        assert response.status_code == 413

    def test_counts_what_it_reads_as_well(self) -> None:
        body = b" " * (64 * 1024 + 1)
        length = f"{len(body):020}"  # Its first nine digits are zeros.

        response = Client().post(URL, body, content_type="application/json", CONTENT_LENGTH=length)

        assert response.status_code == 413

    def test_needs_no_session_and_no_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True)

        assert post(message(start()), client=client).status_code == 200

    @pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "utf-16", "nonsense"])
    def test_reads_bytes_as_utf_8_whatever_charset_is_claimed(self, charset: str) -> None:
        body = json.dumps(message(start())).encode()
        claim = f"application/json; charset={charset}"

        # generic(), as post() would write the body in that charset.
        response = Client().generic("POST", URL, body, claim, headers=signed(body))

        assert answered(cast(HttpResponse, response)) == (200, {"status": "success"})

    def test_opens_without_the_last_slash_as_well(self) -> None:
        body = json.dumps(message(start())).encode()

        response = Client().post(
            URL.rstrip("/"), body, content_type="application/json", headers=signed(body)
        )

        assert answered(cast(HttpResponse, response)) == (200, {"status": "success"})
        assert reverse("onramp:webhook") == URL

    def test_says_busy_when_the_rows_cannot_be_had(self, monkeypatch: Any) -> None:
        def busy(**_: Any) -> None:
            raise services.Busy("NexaPay is busy.")

        monkeypatch.setattr(services, "record_bank_event", busy)

        response = post(message(start()))

        assert refused(response) == (503, "busy")
        assert response["Retry-After"]

    @pytest.mark.parametrize(
        "error", [OperationalError, InterfaceError, InternalError, DatabaseError]
    )
    def test_asks_for_another_try_when_the_database_is_away(
        self, monkeypatch: Any, error: type[Exception]
    ) -> None:
        def fail(**_: Any) -> None:
            raise error("server closed the connection unexpectedly")

        monkeypatch.setattr(services, "record_bank_event", fail)

        response = post(message(start()))

        assert refused(response) == (503, "unavailable")
        assert response["Retry-After"]

    @pytest.mark.parametrize("error", [DataError, IntegrityError, ProgrammingError])
    def test_does_not_hide_a_mistake_of_ours(
        self, monkeypatch: Any, error: type[Exception]
    ) -> None:
        def fail(**_: Any) -> None:
            raise error("sent again, it would fail again")

        monkeypatch.setattr(services, "record_bank_event", fail)

        with pytest.raises(error):
            post(message(start()))

    def test_never_counts_genuine_webhooks(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("onramp.webhooks._FORGED_PER_MINUTE", 0)

        assert post(message(start())).status_code == 200

    def test_throttles_forgers_by_address(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("onramp.webhooks._FORGED_PER_MINUTE", 2)

        codes = [post_raw(b"{}", {}).status_code for _ in range(4)]

        assert codes == [401, 401, 429, 429]
        assert BankEvent.objects.count() == 0
        assert OnRampTransaction.objects.count() == 0
        assert make_wallet()
