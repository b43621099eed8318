"""One movement: what is shown, and to whom."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import fund, make_wallet, send
from tests.wallet.pages import ananya, kabir, sign_in
from wallet.models import Transfer

pytestmark = pytest.mark.django_db


def _url(transfer: Transfer) -> str:
    return f"/transactions/{transfer.public_id}/"


def _text(response: Any) -> str:
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


class TestReceipt:
    def test_right_after_sending_says_so_first(self) -> None:
        ana, ben = ananya(), kabir()
        transfer = send(ana, ben, 25_000, note="Goa tickets")

        page = _text(sign_in(ana).get(_url(transfer) + "?new=1"))

        assert "<title>₹250.00 sent to Kabir Mehta · NexaPay</title>" in page
        assert "data-focus autofocus>Sent to <bdi>Kabir Mehta</bdi></h1>" in page
        assert "Goa tickets" in page
        assert "Complete" in page
        assert f"NXP-{transfer.public_id.hex[:4].upper()}-" in page
        assert 'href="/send/?to=@kabir">Send again' in page

    def test_shows_the_payer_what_it_did_to_their_balance(self) -> None:
        ana, ben = ananya(), kabir()
        transfer = send(ana, ben, 25_000)

        page = _text(sign_in(ana).get(_url(transfer)))

        assert "\N{MINUS SIGN}₹250.00" in page
        assert "To <bdi>Kabir Mehta</bdi>" in page
        assert "Your balance went from ₹1,000.00 to ₹750.00" in page
        assert "Send again" in page

    def test_shows_the_payee_theirs_and_a_way_to_send_it_back(self) -> None:
        ana, ben = ananya(), kabir()
        fund(ben, 500)
        transfer = send(ana, ben, 25_000)

        page = _text(sign_in(ben).get(_url(transfer) + "?new=1"))

        assert "+₹250.00" in page
        assert "From <bdi>Ananya Rao</bdi>" in page
        assert "Your balance went from ₹5.00 to ₹255.00" in page
        assert 'href="/send/?to=@ananya"' in page
        assert "Send money back" in page
        assert "₹1,000.00" not in page  # What the payer has is not the payee's business.

    def test_of_money_from_a_bank_offers_nothing_to_send(self) -> None:
        ana = ananya(balance_minor=0)
        transfer = fund(ana, 25_000)

        page = _text(sign_in(ana).get(_url(transfer) + "?new=1"))

        assert "+₹250.00" in page
        assert "Added to your wallet" in page
        assert "/send/?to=" not in page

    def test_shows_hostile_names_and_notes_as_text(self) -> None:
        ben = make_wallet(name='"><script>alert(1)</script>')
        transfer = send(ananya(), ben, 100, note='"><img src=x onerror=alert(2)>')

        for query in ("", "?new=1"):
            page = _text(sign_in(transfer.source).get(_url(transfer) + query))
            assert "<script>alert" not in page
            assert "<img" not in page

    def test_is_not_there_for_anybody_else(self) -> None:
        transfer = send(ananya(), kabir(), 100)

        assert sign_in(make_wallet()).get(_url(transfer)).status_code == 404
        assert Client().get(_url(transfer)).status_code == 302

    def test_is_not_there_for_what_never_happened(self) -> None:
        client = sign_in(ananya())

        for wrong in (uuid4(), "1", "x", "00000000-0000-0000-0000-000000000000\x00"):
            assert client.get(f"/transactions/{wrong}/").status_code == 404

    def test_asks_the_database_four_times(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        transfer = send(ananya(), kabir(), 100)
        client = sign_in(transfer.source)

        with django_assert_max_num_queries(4):
            client.get(_url(transfer))
