"""Adding money: the form, the bank that may be away, and the whole way."""

import re
from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from onramp.models import OnRampTransaction
from onramp.simbank.models import Payment
from tests.factories import available, make_user, make_wallet
from tests.onramp.pages import ask, page_of, signed_in, text
from tests.onramp.support import message, post, start
from wallet.models import Wallet
from wallet.services import set_status

pytestmark = pytest.mark.django_db


class TestTheForm:
    def test_offers_three_banks_and_says_the_limits(self) -> None:
        page = text(cast(HttpResponse, signed_in(make_wallet()).get("/add-money/")))

        for words in ("Banyan Bank", "Harbour Bank", "Lotus Savings", "₹10", "₹1,00,000"):
            assert words in page
        assert "simulated" in page

    def test_begins_with_the_bank_used_last(self) -> None:
        wallet = make_wallet()
        start(wallet, bank="lotus")

        page = signed_in(wallet).get("/add-money/").content.decode()

        assert re.search(r'value="lotus" checked', page)

    @pytest.mark.parametrize(
        "amount",
        [
            *("", "0", "9.99", "100000.01", "-5", "1e3", "NaN", "0.001", "10.005", "1,0,0"),
            *("9" * 40, "500\0", "₹500", "<b>500</b>", "😀"),
            "\uff15\uff10\uff10",  # Full-width 500.
            "\u0665\u0660\u0660",  # Arabic 500.
        ],
    )
    def test_refuses_an_amount_beside_its_field(self, amount: str) -> None:
        response = ask(signed_in(make_wallet()), amount=amount)

        assert response.status_code == 422
        assert 'id="id_amount-e"' in response.content.decode()
        assert OnRampTransaction.objects.count() == 0

    @pytest.mark.parametrize("bank", ["", "hsbc", "banyan\0", "<script>alert(1)</script>"])
    def test_refuses_a_bank_beside_its_field(self, bank: str) -> None:
        response = ask(signed_in(make_wallet()), bank=bank)

        assert response.status_code == 422
        assert 'id="id_bank_0-e"' in response.content.decode()
        assert "<script>alert" not in response.content.decode()

    @pytest.mark.parametrize("key", ["", "1", "not-a-key"])
    def test_refuses_a_page_that_lost_its_key(self, key: str) -> None:
        response = ask(signed_in(make_wallet()), idempotency_key=key)

        assert (response.status_code, OnRampTransaction.objects.count()) == (422, 0)
        assert "This page is out of date. Nothing was done." in text(response)
        assert "Nothing was sent" not in text(response)

    def test_refuses_a_frozen_wallet_with_a_sentence(self) -> None:
        wallet = make_wallet()
        set_status(wallet_id=wallet.pk, status=Wallet.Status.FROZEN)

        response = ask(signed_in(wallet))

        assert response.status_code == 422
        assert "Your wallet is frozen" in text(response)

    def test_refuses_a_key_that_came_with_another_amount(self) -> None:
        client, key = signed_in(make_wallet()), str(uuid4())
        ask(client, amount="500", idempotency_key=key)

        response = ask(client, amount="600", idempotency_key=key)

        assert response.status_code == 422
        assert "another amount or bank" in text(response)
        assert OnRampTransaction.objects.get().amount_minor == 50_000

    def test_sends_strangers_to_sign_in(self) -> None:
        response = Client().get("/add-money/")

        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")

    def test_tells_staff_without_a_wallet_why_not(self) -> None:
        user = make_user(is_staff=True)
        Wallet.objects.filter(owner=user)
        client = Client()
        client.force_login(user)

        assert client.get("/add-money/").status_code == 200


class TestAnUnreachableBank:
    def test_costs_nothing_and_is_said(self) -> None:
        wallet = make_wallet()
        client = signed_in(wallet)

        response = ask(client)

        onramp = OnRampTransaction.objects.get()
        assert (response.status_code, response["Location"]) == (303, page_of(onramp))
        page = text(cast(HttpResponse, client.get(page_of(onramp))))
        assert "Banyan Bank does not answer. Nothing was taken." in page
        assert "Continue to the bank" in page
        assert (onramp.status, available(wallet)) == ("processing", 0)

    def test_may_be_tried_again(self) -> None:
        onramp = start()

        response = signed_in(onramp.wallet).post(page_of(onramp, "continue/"))

        assert (response.status_code, response["Location"]) == (303, page_of(onramp))


@pytest.mark.django_db(transaction=True)
class TestTheWholeWay:
    def test_brings_the_money_when_approved(
        self, bank_api: str, bank_delivers: Callable[..., int]
    ) -> None:
        wallet = make_wallet()
        client = signed_in(wallet)

        response = ask(client, amount="1,234.50")

        onramp = OnRampTransaction.objects.get()
        bank_page = f"/bank/pay/{onramp.token}/"
        assert (response.status_code, response["Location"]) == (303, bank_page)
        assert "₹1,234.50" in text(cast(HttpResponse, client.get(bank_page)))
        response = cast(HttpResponse, client.post(bank_page, {"decision": "approve"}))
        assert response["Location"] == f"http://testserver{page_of(onramp)}"
        assert "Waiting for" in text(cast(HttpResponse, client.get(page_of(onramp))))

        bank_delivers()

        assert "₹1,234.50 added" in text(cast(HttpResponse, client.get(page_of(onramp))))
        assert available(wallet) == 123_450

    def test_asks_the_bank_once_for_a_double_click(self, bank_api: str) -> None:
        client, key = signed_in(make_wallet()), str(uuid4())

        first, second = (ask(client, idempotency_key=key) for _ in range(2))

        assert first["Location"] == second["Location"]
        assert (OnRampTransaction.objects.count(), Payment.objects.count()) == (1, 1)

    def test_goes_back_to_the_page_when_the_key_is_settled_already(self, bank_api: str) -> None:
        client, key = signed_in(make_wallet()), str(uuid4())
        ask(client, idempotency_key=key)
        onramp = OnRampTransaction.objects.get()
        post(message(onramp))

        assert ask(client, idempotency_key=key)["Location"] == page_of(onramp)

    def test_continues_once_the_bank_is_back(self, bank_api: str) -> None:
        onramp = start()

        response = signed_in(onramp.wallet).post(page_of(onramp, "continue/"))

        assert response["Location"] == f"/bank/pay/{onramp.token}/"
        assert Payment.objects.get().token == onramp.token

    def test_lets_the_bank_stop_before_we_do(self, bank_api: str) -> None:
        onramp = start()
        signed_in(onramp.wallet).post(page_of(onramp, "continue/"))

        assert Payment.objects.get().expires_at < onramp.expires_at

    def test_treats_a_bank_that_refuses_us_as_unreachable(
        self, bank_api: str, settings: Any
    ) -> None:
        settings.BANK_API_KEY = "changed-since"
        onramp = start()
        client = signed_in(onramp.wallet)
        settings.BANK_API_URL = f"{bank_api}/nowhere"

        response = client.post(page_of(onramp, "continue/"))

        assert response["Location"] == page_of(onramp)
