"""Webhooks that we cannot follow: refused, kept for staff, and no money moves."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from onramp import services
from onramp.models import BankEvent
from tests.factories import available
from tests.onramp.support import (
    answered,
    message,
    post,
    refused,
    start,
    statuses,
)

pytestmark = pytest.mark.django_db
QUARANTINED = BankEvent.Status.QUARANTINED


class TestAnEventWeCannotFollow:
    def test_of_an_unknown_token_is_quarantined(self) -> None:
        said = message(start(), token="nobody-knows-me")

        assert refused(post(said, event_id="evt_1")) == (404, "unknown_token")
        assert refused(post(said, event_id="evt_1")) == (404, "unknown_token")

        assert statuses() == [QUARANTINED]

    @pytest.mark.parametrize("kind", ["success", "failure"])
    @pytest.mark.parametrize(
        "difference",
        [
            {"amount_minor": 50_001},
            {"amount_minor": -50_000},
            {"amount_minor": 0},
            {"currency": "USD"},
            {"currency": "inr"},
        ],
    )
    def test_of_other_terms_is_quarantined(self, difference: dict[str, Any], kind: str) -> None:
        onramp = start(amount_minor=50_000)

        assert refused(post(message(onramp, kind, **difference))) == (422, "terms_differ")

        onramp.refresh_from_db()
        assert (onramp.status, statuses()) == ("processing", [QUARANTINED])
        assert available(onramp.wallet) == 0

    def test_of_other_terms_does_not_hinder_the_right_one(self) -> None:
        onramp = start(amount_minor=50_000)
        post(message(onramp, amount_minor=5))

        assert answered(post(message(onramp))) == (200, {"status": "success"})

    def test_with_a_known_id_and_another_body_is_kept_beside_the_first(self) -> None:
        onramp, other = start(), start()
        post(message(onramp), event_id="evt_1")

        response = post(message(other), event_id="evt_1")

        assert refused(response) == (422, "other_body")
        assert statuses() == ["processed", QUARANTINED]
        first, second = BankEvent.objects.order_by("pk")
        assert second.conflicts_with == first
        assert json.loads(bytes(second.body))["data"]["token"] == other.token
        assert available(other.wallet) == 0

    def test_with_a_known_id_and_another_body_is_kept_once(self) -> None:
        onramp = start()
        post(message(onramp), event_id="evt_1")

        for amount_minor in (1, 2, 1, 2):
            said = message(onramp, amount_minor=amount_minor)
            assert refused(post(said, event_id="evt_1")) == (422, "other_body")

        assert BankEvent.objects.count() == 3

    @pytest.mark.parametrize(("first", "then"), [("success", "failure"), ("failure", "success")])
    def test_that_contradicts_the_settlement_is_quarantined(self, first: str, then: str) -> None:
        onramp = start()
        post(message(onramp, first))
        before = available(onramp.wallet)

        assert refused(post(message(onramp, then))) == (409, "contradiction")

        onramp.refresh_from_db()
        assert (onramp.status, available(onramp.wallet)) == (first, before)
        assert statuses() == ["processed", QUARANTINED]

    def test_of_success_after_expiry_is_quarantined(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))
        assert services.expire_onramp(onramp_id=onramp.pk, now=timezone.now())

        assert refused(post(message(onramp))) == (409, "contradiction")

        assert (available(onramp.wallet), statuses()) == (0, [QUARANTINED])

    def test_with_the_reference_of_another_onramp_is_quarantined(self) -> None:
        paid, unpaid = start(), start()
        post(message(paid, bank_reference="BNY-1"))

        response = post(message(unpaid, bank_reference="BNY-1"))

        assert refused(response) == (422, "reference_taken")
        assert (available(unpaid.wallet), statuses()) == (0, ["processed", QUARANTINED])

    def test_may_share_its_reference_with_another_banks(self) -> None:
        paid, other = start(bank="banyan"), start(bank="lotus")
        post(message(paid, bank_reference="1"))

        assert post(message(other, bank_reference="1")).status_code == 200
