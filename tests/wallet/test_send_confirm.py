"""Sending, the end: once, exactly what was seen, or a sentence."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import time_machine
from django.core import signing
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tests.factories import available, make_wallet, send
from tests.wallet.pages import ananya, asked, kabir, owner, review_url, sign_in
from tests.wallet.sending import URL, text_of, to_review, token_in
from wallet import services
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db


class TestConfirming:
    def test_sends_exactly_what_was_seen_and_shows_the_receipt(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, token = to_review(client, amount="250.50", note="Tea")

        response = client.post(url, {"token": token, "amount": "9", "to": "@other"})

        transfer = Transfer.objects.get(source=ana)
        assert response.status_code == 303
        assert response["Location"] == f"/transactions/{transfer.public_id}/?new=1"
        assert (transfer.target_id, transfer.amount_minor, transfer.note) == (ben.pk, 25_050, "Tea")
        assert (available(ana), available(ben)) == (74_950, 25_050)

    def test_moves_money_once_however_often_it_is_pressed(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = to_review(client)

        answers = {client.post(url, {"token": token})["Location"] for _ in range(3)}
        reloaded = client.get(url)

        assert len(answers) == 1
        assert reloaded.status_code == 303
        assert reloaded["Location"] in answers.pop()
        assert available(ana) == 75_000

    def test_leads_back_and_send_again_to_the_same_receipt(self) -> None:
        ana = ananya(balance_minor=25_000)
        kabir()
        client, fields = sign_in(ana), asked()
        client.post(URL, fields)
        client.post(review_url(fields), {"token": token_in(client.get(review_url(fields)))})

        again = client.post(URL, fields)

        transfer = Transfer.objects.get(source=ana)
        assert again["Location"] == f"/transactions/{transfer.public_id}/"
        assert available(ana) == 0

    def test_refuses_a_used_key_with_other_details(self) -> None:
        ana = ananya()
        kabir()
        client, fields = sign_in(ana), asked()
        client.post(URL, fields)
        client.post(review_url(fields), {"token": token_in(client.get(review_url(fields)))})

        response = client.post(URL, {**fields, "amount": "1"})

        assert response.status_code == 422
        assert "This was already sent with other details." in text_of(response)
        assert available(ana) == 75_000

    def test_works_when_the_draft_is_lost(self) -> None:
        ana = ananya()
        kabir()
        url, token = to_review(sign_in(ana))

        response = sign_in(ana).post(url, {"token": token})

        assert response.status_code == 303
        assert available(ana) == 75_000

    @pytest.mark.parametrize("token", [None, "", "x", "a:b:c", b"\xff", "x" * 9_000, "\x00"])
    def test_refuses_a_token_that_is_not_ours(self, token: object) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, _ = to_review(client)

        response = client.post(url, {} if token is None else {"token": token})

        assert response.status_code == 422
        assert "Nothing was sent." in text_of(response)
        assert f'href="{url}"' in text_of(response)
        assert available(ana) == 100_000

    @pytest.mark.parametrize("says", [5, {}, [1, 2], ["x"] * 8])
    def test_refuses_a_token_of_ours_that_says_something_else(self, says: object) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, _ = to_review(client)

        response = client.post(url, {"token": signing.dumps(says, salt="wallet.send.review")})

        assert response.status_code == 422
        assert "Nothing was sent." in text_of(response)
        assert available(ana) == 100_000

    def test_refuses_the_token_of_another_payment(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, _ = to_review(client, amount="1")
        _, other = to_review(client, amount="2")

        response = client.post(url, {"token": other})

        assert response.status_code == 422
        assert available(ana) == 100_000

    def test_refuses_the_token_of_another_person(self) -> None:
        ana, meera = ananya(), make_wallet(balance_minor=50_000)
        kabir()
        url, token = to_review(sign_in(ana))

        response = sign_in(meera).post(url, {"token": token})

        assert response.status_code == 422
        assert (available(ana), available(meera)) == (100_000, 50_000)

    def test_refuses_a_page_that_was_open_for_too_long(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = to_review(client)

        with time_machine.travel(timezone.now() + timedelta(minutes=31)):
            response = client.post(url, {"token": token})

        assert response.status_code == 422
        assert "This page was open for too long. Nothing was sent." in text_of(response)
        assert available(ana) == 100_000

    def test_an_old_page_of_a_payment_that_was_sent_shows_its_receipt(self) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = to_review(client)
        sent = client.post(url, {"token": token})

        assert client.post(url, {"token": "broken"})["Location"] == sent["Location"]

    def test_asks_for_another_amount_when_the_money_went_meanwhile(self) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, token = to_review(client, amount="900", note="Rent")
        send(ana, ben, 50_000)

        response = client.post(url, {"token": token})

        page = text_of(response)
        assert response.status_code == 422
        problem = page[page.index("id_amount-e") :]
        assert "That is ₹400.00 more than you have." in problem
        assert "Nothing was sent." in problem
        assert 'value="900"' in page
        assert 'value="Rent"' in page
        assert available(ana) == 50_000

    @pytest.mark.parametrize("who", ["ana", "ben"])
    def test_says_on_the_page_that_a_wallet_was_frozen_meanwhile(self, who: str) -> None:
        ana, ben = ananya(), kabir()
        client = sign_in(ana)
        url, token = to_review(client)
        frozen = ana if who == "ana" else ben
        services.set_status(wallet_id=frozen.pk, status=Wallet.Status.FROZEN)

        response = client.post(url, {"token": token})

        assert response.status_code == 422
        assert "othing was sent" in text_of(response)
        assert "Check and send" in text_of(response)
        assert available(ana) == 100_000

    def test_says_that_nothing_was_sent_when_it_is_busy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = to_review(client)
        monkeypatch.setattr(services, "send_money", _raises(services.Busy("busy")))

        response = client.post(url, {"token": token})
        for_htmx = client.post(url, {"token": token}, headers={"HX-Request": "true"})

        assert response.status_code == 503
        assert "Nothing was sent" in text_of(response)
        assert f'action="{url}"' in text_of(response)
        assert for_htmx["HX-Redirect"] == f"{url}?busy=1"
        assert "NexaPay is busy. Nothing was sent." in text_of(client.get(f"{url}?busy=1"))

        monkeypatch.undo()
        assert client.post(url, {"token": token_in(response)}).status_code == 303
        assert available(ana) == 75_000

    @pytest.mark.parametrize("cause", [None, psycopg.errors.AdminShutdown()])
    def test_never_says_that_nothing_was_sent_when_it_cannot_know(
        self, monkeypatch: pytest.MonkeyPatch, cause: Exception | None
    ) -> None:
        ana = ananya()
        kabir()
        client = sign_in(ana)
        url, token = to_review(client)
        lost = OperationalError("gone")
        lost.__cause__ = cause
        monkeypatch.setattr(services, "send_money", _raises(lost))

        response = client.post(url, {"token": token})

        page = text_of(response)
        assert response.status_code == 503
        assert "We are checking" in page
        assert "othing was sent" not in page
        assert 'href="/transactions/"' in page
        monkeypatch.undo()
        assert client.post(url, {"token": token_in(response)}).status_code == 303
        assert available(ana) == 75_000

    def test_takes_only_what_a_form_of_ours_posts(self) -> None:
        kabir()
        client = Client(enforce_csrf_checks=True)
        ana = ananya()
        client.force_login(owner(ana))

        assert client.post(URL, asked()).status_code == 403
        assert client.post(f"/send/review/{uuid4()}/").status_code == 403


def _raises(error: Exception) -> Any:
    def act(**_: object) -> HttpResponse:
        raise error

    return act
