"""The bank pays to accounts: taken once, decided by itself, told by a webhook."""

import json
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from onramp.simbank import payouts
from onramp.simbank.models import Delivery, Payout
from onramp.simbank.payouts import PayoutTerms
from tests.simbank.support import TOKEN
from tests.threads import at_once

NOT_TEXT: list[Any] = [None, [], True, "\0", "\ud800", ""]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _paths(settings: Any) -> None:
    """Let the test client see the bank's paths, as its own server does."""
    settings.ROOT_URLCONF = "onramp.simbank.api"


def asked(**changes: Any) -> dict[str, Any]:
    payout = {
        "token": TOKEN,
        "amount_minor": 20_000,
        "currency": "INR",
        "bank": "harbour",
        "account_holder": "Ana Rao",
        "account_number": "123456781234",
        "reference": "WDR-1234-ABCD",
    }
    return {name: value for name, value in (payout | changes).items() if value is not ...}


def call(method: str, path: str, content: bytes = b"") -> Any:
    headers = {"Authorization": f"Bearer {settings.BANK_API_KEY}"}
    return Client().generic(method, path, content, "application/json", headers=headers)


def create(**changes: Any) -> Any:
    return call("POST", "/api/payouts", json.dumps(asked(**changes)).encode())


def look() -> Any:
    return call("GET", f"/api/payouts/{TOKEN}").json()


def decide(*, later_s: int = 60) -> int:
    return payouts.decide_payouts(now=timezone.now() + timedelta(seconds=later_s))


def owed() -> list[Any]:
    return [json.loads(body) for body in Delivery.objects.values_list("body", flat=True)]


class TestAskingForAPayout:
    def test_makes_it_known(self) -> None:
        answer = create()

        assert (answer.status_code, answer.json()["status"]) == (201, "pending")
        assert look() == answer.json()

    def test_again_answers_the_same(self) -> None:
        first, second = create(), create()

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert Payout.objects.count() == 1

    @pytest.mark.parametrize(
        "difference",
        [
            {"amount_minor": 20_001},
            {"currency": "USD"},
            {"bank": "lotus"},
            {"reference": "WDR-2"},
            {"account_holder": "Ben"},
            {"account_number": "9999"},
        ],
    )
    def test_again_with_other_terms_is_refused(self, difference: dict[str, Any]) -> None:
        create()

        assert create(**difference).status_code == 409

        assert Payout.objects.get().amount_minor == 20_000

    @pytest.mark.parametrize(
        "change",
        [{name: cast(Any, ...)} for name in asked()]
        + [{name: value} for name in asked() for value in NOT_TEXT]
        + [{"amount_minor": amount} for amount in (0, -1, 1.5, "20000", 10**30)]
        + [{"bank": "hsbc"}, {"account_number": "12-34"}, {"account_number": "1" * 35}]
        + [{"account_holder": "  "}, {"account_holder": "x" * 101}],
    )
    def test_is_refused_when_malformed(self, change: dict[str, Any]) -> None:
        assert create(**change).status_code == 400
        assert Payout.objects.count() == 0

    def test_knows_no_other(self) -> None:
        answer = call("GET", "/api/payouts/nobody-asked-for-it")

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_token")

    def test_takes_it_by_post_only(self) -> None:
        assert call("GET", "/api/payouts").status_code == 405

    @pytest.mark.django_db(transaction=True)
    def test_from_many_threads_at_once_makes_one(self) -> None:
        """Guard: the token is unique, and whoever comes second finds the first."""
        fields = {"brand" if name == "bank" else name: value for name, value in asked().items()}
        act = partial(payouts.create_payout, terms=PayoutTerms(**fields), now=timezone.now())

        outcomes = at_once([act] * 16, workers=16)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert Payout.objects.count() == 1


class TestAPayout:
    def test_waits_a_moment(self) -> None:
        create()

        assert decide(later_s=0) == 0
        assert (look()["status"], owed()) == ("pending", [])

    def test_succeeds_and_the_merchant_hears_of_it_once(self) -> None:
        create()

        assert (decide(), decide()) == (1, 0)

        (message,) = owed()
        assert message["type"] == "payout.success"
        assert message["data"] == {
            "token": TOKEN,
            "amount_minor": 20_000,
            "currency": "INR",
            "bank_reference": look()["bank_reference"],
            "reason": None,
        }
        assert look()["status"] == "succeeded"

    def test_fails_to_an_account_that_ends_in_four_zeros(self) -> None:
        create(account_number="12340000")

        decide()

        (message,) = owed()
        assert (message["type"], look()["status"]) == ("payout.failure", "failed")
        assert message["data"]["reason"] == look()["reason"] == "account closed"

    def test_comes_back_later_from_an_account_that_ends_in_four_nines(self) -> None:
        create(account_number="12349999")

        decide()
        assert look()["status"] == "succeeded"
        decide(later_s=90)

        assert [message["type"] for message in owed()] == ["payout.success", "payout.returned"]
        assert (look()["status"], decide(later_s=900)) == ("returned", 0)
