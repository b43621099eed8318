"""Student wallets: how much, and to whom, was taken from the webhook's body."""

import json
from typing import Any

import pytest

from tests.factories import available, make_wallet
from tests.onramp.support import message, post, start
from wallet.models import Transfer

pytestmark = pytest.mark.django_db


class TestAWebhookThatNames:
    @pytest.mark.parametrize(
        "terms", [{"amount_minor": 9_900_000}, {"amount_minor": 49_999}, {"currency": "USD"}]
    )
    def test_its_own_price_credits_nobody(self, terms: dict[str, Any]) -> None:
        """What was asked for stands with us; a body can only agree with it."""
        onramp = start(amount_minor=50_000)

        answer = post(message(onramp, **terms))

        assert answer.status_code == 422
        assert json.loads(answer.content)["error"] == "terms_differ"
        assert Transfer.objects.count() == 0

    def test_its_own_receiver_credits_who_asked(self) -> None:
        onramp, other = start(amount_minor=50_000), make_wallet()
        assert other.owner
        named: dict[str, Any] = {
            **{"wallet_id": other.pk, "wallet": str(other.public_id), "user_id": other.owner_id},
            **{"receiver": other.owner.handle, "to": other.owner.phone, "user": other.owner.handle},
        }

        answer = post(message(onramp, **named) | named)

        assert answer.status_code == 200
        assert (available(onramp.wallet), available(other)) == (50_000, 0)
