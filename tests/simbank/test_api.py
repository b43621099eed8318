"""The bank's API for merchants."""

import json
from datetime import timedelta
from functools import partial
from typing import Any, cast

import httpx
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from onramp.simbank.models import Payment
from tests.simbank.support import TOKEN, make_payment
from tests.threads import at_once

NOT_TEXT: list[Any] = [None, [], {}, True, "\0", "\ud800", ""]
pytestmark = pytest.mark.django_db


def asked(**changes: Any) -> dict[str, Any]:
    payment = {
        "token": TOKEN,
        "amount_minor": 50_000,
        "currency": "INR",
        "bank": "banyan",
        "reference": "ONR-1234-ABCD",
        "expires_at": "2030-01-01T00:00:00+00:00",
        "return_url": "http://127.0.0.1:8000/add-money/x/",
    }
    return {name: value for name, value in (payment | changes).items() if value is not ...}


@pytest.fixture
def _paths(settings: Any) -> None:
    """Let the test client see the bank's paths, as its own server does."""
    settings.ROOT_URLCONF = "onramp.simbank.api"


def call(method: str, path: str, *, content: bytes = b"", key: str | None = None) -> Any:
    key = f"Bearer {settings.BANK_API_KEY}" if key is None else key
    return Client(raise_request_exception=False).generic(
        method, path, content, content_type="application/json", headers={"Authorization": key}
    )


def create(**changes: Any) -> Any:
    return call("POST", "/api/payments", content=json.dumps(asked(**changes)).encode())


def create_over_http(bank_api: str) -> int:
    headers = {"Authorization": f"Bearer {settings.BANK_API_KEY}"}
    with httpx.Client(trust_env=False, timeout=20) as client:
        answer = client.post(f"{bank_api}/api/payments", json=asked(), headers=headers)
    return answer.status_code


@pytest.mark.usefixtures("_paths")
class TestAskingForAPayment:
    def test_makes_it_known(self) -> None:
        answer = create()

        assert answer.status_code == 201
        assert answer.json()["status"] == "awaiting"
        payment = Payment.objects.get(token=TOKEN)
        assert (payment.amount_minor, payment.brand) == (50_000, "banyan")

    def test_again_answers_the_same(self) -> None:
        first, second = create(), create()

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()

    def test_again_may_move_where_the_customer_returns_to(self) -> None:
        create()

        assert create(return_url="http://localhost:8000/").status_code == 200

        assert Payment.objects.get().return_url == "http://localhost:8000/"

    @pytest.mark.parametrize(
        "difference",
        [
            {"amount_minor": 50_001},
            {"currency": "USD"},
            {"bank": "lotus"},
            {"reference": "ONR-2"},
            {"expires_at": "2030-01-01T00:00:01+00:00"},
        ],
    )
    def test_again_with_other_terms_is_refused(self, difference: dict[str, Any]) -> None:
        create()

        assert create(**difference).status_code == 409

        assert Payment.objects.get().amount_minor == 50_000

    @pytest.mark.parametrize(
        "change",
        [{name: cast(Any, ...)} for name in asked()]
        + [{name: value} for name in asked() for value in NOT_TEXT]
        + [{"amount_minor": amount} for amount in (0, -1, 1.5, "50000", 10**30)]
        + [{"bank": "hsbc"}, {"token": "short"}, {"token": "x" * 129}, {"currency": "inr"}]
        + [{"expires_at": "2030-01-01T00:00:00"}, {"expires_at": "soon"}]
        + [{"return_url": "javascript:alert(1)"}, {"return_url": "http://[::1/"}],
    )
    def test_is_refused_when_malformed(self, change: dict[str, Any]) -> None:
        assert create(**change).status_code == 400
        assert Payment.objects.count() == 0

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"[" * 9_000, b"\xff", b" " * 17_000])
    def test_is_refused_when_it_is_no_object(self, body: bytes) -> None:
        assert call("POST", "/api/payments", content=body).status_code == 400


@pytest.mark.usefixtures("_paths")
class TestTheApi:
    @pytest.mark.parametrize("key", ["", "Bearer", "Bearer wrong", "Basic eA==", "Bearer \xe9"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_wants_its_key(self, method: str, key: str) -> None:
        paths = {"GET": f"/api/payments/{TOKEN}", "POST": "/api/payments"}
        answer = call(method, paths[method], key=key)

        assert (answer.status_code, "error" in answer.json()) == (401, True)

    def test_says_how_a_payment_stands(self) -> None:
        create()
        Payment.objects.update(status="approved", decided_at=timezone.now())

        answer = call("GET", f"/api/payments/{TOKEN}")

        assert (answer.status_code, answer.json()["status"]) == (200, "approved")

    def test_knows_no_other_payment(self) -> None:
        assert call("GET", "/api/payments/nobody-asked").status_code == 404

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_takes_payments_by_post_only(self, method: str) -> None:
        assert call(method, "/api/payments").status_code == 405

    @pytest.mark.parametrize("path", ["/", "/dashboard/", "/admin/", "/bank/pay/x/", "/api"])
    def test_serves_nothing_else(self, path: str) -> None:
        answer = call("GET", path)

        assert (answer.status_code, "error" in answer.json()) == (404, True)

    def test_answers_its_own_faults_in_json(self, monkeypatch: Any) -> None:
        def fail(**_: Any) -> None:
            raise RuntimeError("the disk is on fire")

        monkeypatch.setattr("onramp.simbank.services.create_payment", fail)

        answer = create()

        assert (answer.status_code, "fire" in answer.content.decode()) == (500, False)

    def test_keeps_terms_to_the_microsecond(self) -> None:
        at = (timezone.now() + timedelta(hours=1)).isoformat()

        assert create(expires_at=at).status_code == 201
        assert create(expires_at=at).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestTheServer:
    def test_asked_twice_over_http_makes_one_payment(self, bank_api: str) -> None:
        assert [create_over_http(bank_api) for _ in range(2)] == [201, 200]

        assert Payment.objects.count() == 1

    def test_asked_from_many_threads_at_once_makes_one_payment(self) -> None:
        """Guard: the token is unique, and whoever comes second finds the first."""
        now = timezone.now()
        tokens = [f"token-of-payment-{number}" for number in range(10)]
        acts = [partial(make_payment, now=now, token=token) for token in tokens for _ in range(16)]

        outcomes = at_once(acts, workers=16)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert Payment.objects.count() == 10

    def test_has_none_of_our_pages_and_none_of_our_middleware(self, bank_api: str) -> None:
        with httpx.Client(trust_env=False) as client:
            answer = client.get(f"{bank_api}/dashboard/", headers={"Host": "elsewhere.example"})

        assert (answer.status_code, "error" in answer.json()) == (404, True)
        assert "x-request-id" not in answer.headers
