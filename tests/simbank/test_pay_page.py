"""The bank's own page: approve or decline, once."""

import json
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from onramp.simbank import services
from onramp.simbank.models import Delivery, Payment
from tests.simbank.support import TOKEN, make_payment
from tests.threads import at_once

pytestmark = pytest.mark.django_db
PAGE = f"/bank/pay/{TOKEN}/"


def decide(decision: str = "approve", **data: str) -> HttpResponse:
    return cast(HttpResponse, Client().post(PAGE, {"decision": decision, **data}))


def owed() -> list[Any]:
    return [json.loads(body) for body in Delivery.objects.values_list("body", flat=True)]


class TestThePage:
    def test_shows_what_is_asked_and_that_it_is_simulated(self) -> None:
        make_payment(amount_minor=10_000_050)

        page = Client().get(PAGE).content.decode()

        for words in (
            "₹1,00,000.50",
            "Banyan Bank",
            "ONR-1",
            "Simulated bank",
            "Approve",
            "Decline",
        ):
            assert words in page

    def test_needs_no_session_but_a_csrf_token(self) -> None:
        make_payment()
        client = Client(enforce_csrf_checks=True)

        assert client.get(PAGE).status_code == 200
        assert client.post(PAGE, {"decision": "approve"}).status_code == 403
        assert Payment.objects.get().is_awaiting

    @pytest.mark.parametrize("token", ["nobody-asked-for-this", "a%00b", "%F0%9F%98%80", "x" * 500])
    def test_of_no_payment_is_404(self, token: str) -> None:
        assert Client().get(f"/bank/pay/{token}/").status_code == 404

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_404_when_another_bank_is_used(self, settings: Any, method: str) -> None:
        make_payment()
        settings.BANK = "razorpay"

        assert getattr(Client(), method)(PAGE).status_code == 404

    @pytest.mark.parametrize("decision", ["", "maybe", "approve\0", "<b>"])
    def test_asks_again_when_nothing_was_chosen(self, decision: str) -> None:
        make_payment()

        response = decide(decision)

        assert response.status_code == 422
        assert "Choose Approve or Decline" in response.content.decode()
        assert (Payment.objects.get().status, owed()) == ("awaiting", [])

    def test_refuses_a_mode_nobody_offered(self) -> None:
        make_payment()

        assert decide(mode="never").status_code == 422
        assert Payment.objects.get().is_awaiting


class TestADecision:
    def test_to_approve_owes_the_merchant_a_success(self) -> None:
        payment = make_payment()

        response = decide("approve")

        assert (response.status_code, response["Location"]) == (303, payment.return_url)
        assert Payment.objects.get().status == "approved"
        (message,) = owed()
        assert message["type"] == "onramp.success"
        assert message["data"] == {
            "token": TOKEN,
            "amount_minor": 50_000,
            "currency": "INR",
            "bank_reference": payment.bank_reference,
            "reason": None,
        }

    def test_to_decline_owes_the_merchant_a_failure(self) -> None:
        make_payment()

        assert decide("decline").status_code == 303

        (message,) = owed()
        assert message["type"] == "onramp.failure"
        assert message["data"]["reason"] == "declined by customer"

    @pytest.mark.parametrize(
        ("mode", "delays_s"), [("now", [0]), ("slow", [20]), ("twice", [0, 0])]
    )
    def test_is_told_as_the_customer_chose(self, mode: str, delays_s: list[int]) -> None:
        make_payment()

        decide(mode=mode)

        decided_at = Payment.objects.get().decided_at
        assert decided_at
        due = Delivery.objects.order_by("copy").values_list("next_attempt_at", flat=True)
        assert [(at - decided_at).seconds for at in due] == delays_s
        assert len({message["timestamp"] for message in owed()}) == 1

    @pytest.mark.parametrize(("first", "then"), [("approve", "decline"), ("decline", "approve")])
    def test_stays_when_another_comes(self, first: str, then: str) -> None:
        payment = make_payment()
        decide(first)
        status = Payment.objects.get().status

        response = decide(then)

        assert (response.status_code, response["Location"]) == (303, payment.return_url)
        assert (Payment.objects.get().status, len(owed())) == (status, 1)

    def test_shows_on_the_page_afterwards(self) -> None:
        make_payment()
        decide("decline")

        page = Client().get(PAGE).content.decode()

        assert "You declined this payment" in page
        assert 'name="decision"' not in page

    @pytest.mark.parametrize("decision", ["approve", "decline"])
    def test_comes_too_late_after_the_time_is_over(self, decision: str) -> None:
        make_payment(now=timezone.now() - timedelta(hours=1))

        response = decide(decision)

        assert "has expired" in response.content.decode()
        assert Payment.objects.get().status == "expired"
        assert [message["type"] for message in owed()] == ["onramp.failure"]

    def test_is_not_offered_after_the_time_is_over(self) -> None:
        make_payment(now=timezone.now() - timedelta(hours=1))

        page = Client().get(PAGE).content.decode()

        assert "has expired" in page
        assert 'name="decision"' not in page


class TestExpiry:
    def test_tells_the_merchant_of_what_nobody_decided(self) -> None:
        make_payment(now=timezone.now() - timedelta(hours=1))
        make_payment(token="another-token-in-time")

        assert services.expire_payments(now=timezone.now()) == 1
        assert services.expire_payments(now=timezone.now()) == 0

        assert [message["data"]["reason"] for message in owed()] == ["not approved in time"]


@pytest.mark.django_db(transaction=True)
class TestTwoDecisionsAtOnce:
    def test_leave_one_of_them_and_one_message(self) -> None:
        """Guard: the payment's row is locked before it is decided."""
        make_payment()

        outcomes = at_once([partial(decide, d) for d in ("approve", "decline")] * 8, workers=16)

        assert [o for o in outcomes if isinstance(o, Exception)] == []
        assert len(owed()) == 1
        kinds = {"approved": "onramp.success", "declined": "onramp.failure"}
        assert owed()[0]["type"] == kinds[Payment.objects.get().status]
