"""Student wallets: the payer could confirm their own on-ramp."""

import base64
import json
from typing import cast

import pytest
from django.http import HttpResponse
from django.test import Client

from onramp.models import BankEvent, OnRampTransaction
from tests.factories import available, make_wallet
from tests.onramp.pages import page_of
from tests.onramp.support import message, post_raw, signed, start
from tests.wallet.pages import sign_in

pytestmark = pytest.mark.django_db
THEIR_OWN = "whsec_" + base64.b64encode(b"a secret of the payer's own mak").decode()


@pytest.fixture
def onramp() -> OnRampTransaction:
    """Return an on-ramp of somebody who has read every one of its pages."""
    return start(make_wallet(), amount_minor=50_000)


@pytest.fixture
def browser(onramp: OnRampTransaction) -> Client:
    """Return the browser in which the payer is signed in."""
    return sign_in(onramp.wallet)


def assert_unpaid(onramp: OnRampTransaction) -> None:
    onramp.refresh_from_db()
    assert (onramp.status, available(onramp.wallet)) == ("processing", 0)
    assert not BankEvent.objects.filter(onramp=onramp).exists()


class TestAPayer:
    def test_cannot_say_yes_without_the_banks_signature(
        self, onramp: OnRampTransaction, browser: Client
    ) -> None:
        body = json.dumps(message(onramp)).encode()

        unsigned = post_raw(body, {}, client=browser)
        own = post_raw(body, signed(body, secret=THEIR_OWN), client=browser)

        assert (unsigned.status_code, own.status_code) == (401, 401)
        assert_unpaid(onramp)

    def test_cannot_say_yes_with_a_signature_the_bank_gave_to_another(
        self, onramp: OnRampTransaction, browser: Client
    ) -> None:
        theirs = json.dumps(message(start())).encode()
        headers = signed(theirs)

        answer = post_raw(json.dumps(message(onramp)).encode(), headers, client=browser)

        assert answer.status_code == 401
        assert_unpaid(onramp)

    @pytest.mark.parametrize("suffix", ["", "status/", "continue/"])
    def test_cannot_say_yes_on_the_pages_of_the_onramp(
        self, onramp: OnRampTransaction, browser: Client, suffix: str
    ) -> None:
        claims = {"status": "success", "decision": "approve", **message(onramp)["data"]}
        claims = {name: value for name, value in claims.items() if value is not None}

        for answer in (
            browser.get(page_of(onramp, suffix), claims),
            browser.post(page_of(onramp, suffix), claims),
        ):
            assert cast(HttpResponse, answer).status_code in {200, 303, 405}

        assert_unpaid(onramp)

    def test_cannot_approve_at_a_bank_that_was_not_asked(
        self, onramp: OnRampTransaction, browser: Client
    ) -> None:
        """The bank's page is the bank's: it approves what the bank has been told of."""
        answer = browser.post(f"/bank/pay/{onramp.token}/", {"decision": "approve"})

        assert answer.status_code == 404
        assert_unpaid(onramp)
