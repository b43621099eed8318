"""Student wallets: an on-ramp that had failed was credited by a webhook that came late."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from tests.factories import available
from tests.onramp.support import message, post, start

pytestmark = pytest.mark.django_db


def assert_stays_failed(onramp: OnRampTransaction) -> None:
    """Say success, twice; see nothing come of it but two events for staff to look at."""
    for _ in range(2):
        answer = post(message(onramp))
        assert (answer.status_code, json.loads(answer.content)["error"]) == (409, "contradiction")
    onramp.refresh_from_db()
    assert (onramp.status, onramp.transfer, available(onramp.wallet)) == ("failure", None, 0)
    assert BankEvent.objects.filter(status="quarantined", onramp=onramp).count() == 2


class TestALateSuccess:
    def test_of_what_the_bank_called_failed_credits_nobody(self) -> None:
        onramp = start()
        assert post(message(onramp, "failure", bank_reference=None)).status_code == 200

        assert_stays_failed(onramp)

    def test_of_what_nobody_finished_in_time_credits_nobody(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))
        assert services.expire_onramp(onramp_id=onramp.pk, now=timezone.now())

        assert_stays_failed(onramp)
