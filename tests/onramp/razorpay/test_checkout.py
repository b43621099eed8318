"""The way to Razorpay's page and back."""

import re
from datetime import timedelta
from typing import Any, cast

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from onramp.models import OnRampTransaction
from tests.factories import make_wallet
from tests.onramp.pages import ask, page_of, signed_in, text
from tests.onramp.razorpay.support import KEY_ID, Fake
from tests.onramp.support import start

pytestmark = pytest.mark.django_db


def fields(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


class TestTheWayThere:
    def test_is_a_form_for_the_order_and_nothing_else(self, razorpay: Fake, settings: Any) -> None:
        client = signed_in(make_wallet())

        page = client.get(ask(client)["Location"])

        (made,), onramp = razorpay.orders, OnRampTransaction.objects.get()
        body = page.content.decode()
        assert f'action="{settings.BANK_API_URL}/v1/checkout/embedded"' in body
        back = f"http://testserver{page_of(onramp)}"
        assert fields(body) == {
            "key_id": KEY_ID,
            "order_id": made["id"],
            "amount": "50000",
            "currency": "INR",
            "description": onramp.reference,
            "callback_url": f"{back}back/",
            "cancel_url": back,
        }
        assert "csrf" not in body.split("<form", 1)[1]
        assert onramp.token not in body

    def test_may_be_gone_by_the_content_security_policy(
        self, razorpay: Fake, settings: Any
    ) -> None:
        client = signed_in(make_wallet())

        page = client.get(ask(client)["Location"])

        policy = page["Content-Security-Policy"]
        assert f"form-action 'self' {settings.BANK_API_URL}" in policy
        other = client.get("/add-money/")["Content-Security-Policy"]
        assert settings.BANK_API_URL not in other

    def test_closes_when_it_is_too_late(self, razorpay: Fake) -> None:
        client = signed_in(make_wallet())
        address = ask(client)["Location"]

        with time_machine.travel(timezone.now() + timedelta(minutes=25), tick=False):
            page = cast(HttpResponse, client.get(address))

        assert "took too long" in text(page)
        assert fields(page.content.decode()) == {}

    @pytest.mark.parametrize("sealed", ["x", "a:b:c", "é"])
    def test_is_found_by_nobody_who_was_not_sent(self, sealed: str) -> None:
        client = signed_in(make_wallet())

        assert client.get(f"/add-money/checkout/{sealed}/").status_code == 404


class TestTheWayBack:
    def test_needs_no_session_and_leads_to_the_page(self) -> None:
        onramp = start()

        answer = Client(enforce_csrf_checks=True).post(
            page_of(onramp, "back/"), {"razorpay_payment_id": "pay_1"}
        )

        assert (answer.status_code, answer["Location"]) == (303, page_of(onramp))
        onramp.refresh_from_db()
        assert onramp.is_processing
