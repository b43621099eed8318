"""Student wallets: an amount of 1.9 became 1."""

import json
from typing import Any

import pytest
from django.db import IntegrityError

from onramp.models import OnRampTransaction
from tests.factories import available, make_wallet, send
from tests.onramp.pages import ask
from tests.onramp.support import message, post, start
from tests.wallet.pages import ananya, asked, kabir, sign_in
from tests.wallet.sending import text_of, to_review

pytestmark = pytest.mark.django_db


class TestAFraction:
    def test_of_a_rupee_is_sent_to_the_paisa(self) -> None:
        ana, ben = ananya(balance_minor=1_000), kabir()
        browser = sign_in(ana)
        address, token = to_review(browser, amount="1.9")

        assert "₹1.90" in text_of(browser.get(address))
        browser.post(address, {"token": token})

        assert (available(ana), available(ben)) == (810, 190)

    def test_of_a_rupee_is_added_to_the_paisa(self) -> None:
        ask(sign_in(make_wallet()), amount="101.9")

        assert OnRampTransaction.objects.get().amount_minor == 10_190

    @pytest.mark.parametrize("typed", ["1.999", "1.9.9", "1,9", "1/2", "½"])
    def test_that_is_no_amount_is_refused_and_never_cut_off(self, typed: str) -> None:
        kabir()
        browser = sign_in(ananya())

        assert browser.post("/send/", asked(amount=typed)).status_code == 422
        assert ask(browser, amount=typed).status_code == 422

    @pytest.mark.parametrize("amount", [50_000.9, 50_000.0, "50000", True])
    def test_of_a_paisa_is_refused_of_a_bank(self, amount: Any) -> None:
        onramp = start(amount_minor=50_000)

        answer = post(message(onramp, amount_minor=amount))

        assert answer.status_code == 400
        assert json.loads(answer.content)["detail"].startswith("amount_minor is missing or not")
        assert available(onramp.wallet) == 0

    def test_of_a_paisa_never_reaches_the_books(self) -> None:
        """A caller who breaks the types, as mypy would not let them: no way to write a float."""
        ana, ben = ananya(balance_minor=1_000), kabir()

        with pytest.raises((KeyError, IntegrityError)):
            send(ana, ben, 1.9)  # type: ignore[arg-type]

        assert (available(ana), available(ben)) == (1_000, 0)
