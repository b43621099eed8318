"""Webhooks that settle: what a good event does, and a copy of it does not do again."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from onramp.models import BankEvent
from tests.factories import available
from tests.onramp.support import (
    answered,
    message,
    post,
    post_raw,
    signed,
    start,
    statuses,
)
from wallet.models import Transfer, Wallet
from wallet.services import set_status

pytestmark = pytest.mark.django_db
QUARANTINED = BankEvent.Status.QUARANTINED


class TestAGoodEvent:
    def test_of_success_credits_the_wallet_and_settles_the_onramp(self) -> None:
        onramp = start(amount_minor=50_000)

        response = post(message(onramp, bank_reference="BNY-1"))

        assert answered(response) == (200, {"status": "success"})
        onramp.refresh_from_db()
        assert (onramp.status, onramp.bank_reference) == ("success", "BNY-1")
        assert available(onramp.wallet) == 50_000
        assert onramp.transfer
        assert onramp.transfer.source.name == "Banyan Bank"

    def test_of_failure_moves_no_money_and_keeps_the_reason(self) -> None:
        onramp = start()

        response = post(message(onramp, "failure", reason="declined by customer"))

        assert answered(response) == (200, {"status": "failure"})
        onramp.refresh_from_db()
        assert (onramp.status, onramp.failure_reason) == ("failure", "declined by customer")
        assert (available(onramp.wallet), Transfer.objects.count()) == (0, 0)

    def test_of_failure_may_lack_a_reason_and_a_reference(self) -> None:
        onramp = start()

        response = post(message(onramp, "failure", reason=None, bank_reference=None))

        assert answered(response) == (200, {"status": "failure"})

    def test_is_kept_as_it_came_and_linked_to_its_onramp(self) -> None:
        onramp = start()
        body = b' {"type": "onramp.success",  "later": 1.5, ' + json.dumps(
            message(onramp)
        ).encode().removeprefix(b'{"type": "onramp.success", ')

        post(body, event_id="evt_1")

        event = BankEvent.objects.get(event_id="evt_1")
        assert bytes(event.body) == body
        assert (event.bank, event.onramp, event.status) == ("simbank", onramp, "processed")
        proof = {"webhook-id", "webhook-timestamp", "webhook-signature"}
        assert set(event.headers) == {*proof, "key-id"}

    def test_is_kept_with_the_name_of_the_key_that_signed_it(self, settings: Any) -> None:
        """While secrets rotate, it can be seen which one a bank still uses."""
        old, new = (f"whsec_{base64.b64encode(word * 6).decode()}" for word in (b"old!", b"new!"))
        settings.BANK_WEBHOOK_SECRETS = [new, old]
        for secret, event_id in [(old, "1"), (new, "2"), (old, "3")]:
            body = json.dumps(message(start())).encode()
            post_raw(body, signed(body, event_id=event_id, secret=secret))

        names = [event.headers["key-id"] for event in BankEvent.objects.order_by("event_id")]
        assert names[0] == names[2] != names[1]

    def test_credits_even_a_wallet_frozen_since(self) -> None:
        onramp = start()
        set_status(wallet_id=onramp.wallet_id, status=Wallet.Status.FROZEN)

        assert post(message(onramp)).status_code == 200

        assert available(onramp.wallet) == 50_000

    def test_after_its_time_but_before_anybody_gave_up_still_credits(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))

        assert answered(post(message(onramp))) == (200, {"status": "success"})

    def test_signed_with_the_older_of_two_secrets_is_good(self, settings: Any) -> None:
        onramp = start()
        older = settings.BANK_WEBHOOK_SECRETS[0]
        settings.BANK_WEBHOOK_SECRETS = ["whsec_" + "bmV3" * 10, older]
        body = json.dumps(message(onramp)).encode()

        assert post_raw(body, signed(body, secret=older)).status_code == 200


class TestARepeatedEvent:
    @pytest.mark.parametrize("kind", ["success", "failure"])
    def test_is_answered_as_a_duplicate(self, kind: str) -> None:
        onramp = start()
        said = message(onramp, kind)
        post(said, event_id="evt_1")

        response = post(said, event_id="evt_1")

        assert answered(response) == (200, {"status": kind, "duplicate": True})
        assert statuses() == ["processed"]

    def test_of_success_credits_once(self) -> None:
        onramp = start()

        for _ in range(3):
            post(message(onramp), event_id="evt_1")

        assert (available(onramp.wallet), Transfer.objects.count()) == (50_000, 1)

    @pytest.mark.parametrize("kind", ["success", "failure"])
    def test_under_another_id_is_a_duplicate_too(self, kind: str) -> None:
        onramp = start()
        post(message(onramp, kind))

        response = post(message(onramp, kind))

        assert answered(response) == (200, {"status": kind, "duplicate": True})
        assert statuses() == ["processed", "ignored"]
        assert available(onramp.wallet) == (50_000 if kind == "success" else 0)

    def test_with_another_reference_is_a_duplicate_that_staff_should_see(self) -> None:
        onramp = start()
        post(message(onramp, bank_reference="BNY-1"))

        response = post(message(onramp, bank_reference="BNY-2"))

        assert answered(response) == (200, {"status": "success", "duplicate": True})
        assert statuses() == ["processed", QUARANTINED]
        assert available(onramp.wallet) == 50_000
