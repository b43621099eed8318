"""Student wallets: 40 on-ramp tokens, each delivered 8 times at once, gave 308 credits."""

import json
from functools import partial

import pytest
from django.utils import timezone

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from tests.factories import available, make_wallet
from tests.known_bugs.support import assert_books_agree
from tests.onramp.support import codes, deliver, message, start
from tests.threads import at_once
from wallet.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def onramps() -> list[OnRampTransaction]:
    """Return forty on-ramps of four people, each for another amount."""
    people = [make_wallet() for _ in range(4)]
    return [start(people[n % 4], amount_minor=1_000 + n) for n in range(40)]


def event_ids(onramp: OnRampTransaction) -> list[str]:
    """Return the ids of its eight copies: half of them the event's own, half another."""
    return [f"evt_{onramp.pk}_{copy % 2}" for copy in range(8)]


def assert_credited_once_each(onramps: list[OnRampTransaction]) -> None:
    assert Transfer.objects.filter(kind="onramp").count() == 40
    assert OnRampTransaction.objects.filter(status="success").count() == 40
    assert BankEvent.objects.filter(status="processed").count() == 40
    people = {onramp.wallet for onramp in onramps}
    credited_minor = sum(available(person) for person in people)
    assert credited_minor == sum(onramp.amount_minor for onramp in onramps)
    assert_books_agree()


class TestFortyTokens:
    def test_delivered_eight_times_each_at_once_give_forty_credits(
        self, onramps: list[OnRampTransaction]
    ) -> None:
        acts = [
            partial(deliver, message(onramp), event_id=event_id)
            for onramp in onramps
            for event_id in event_ids(onramp)
        ]

        outcomes = at_once(acts, workers=16)

        assert_credited_once_each(onramps)
        assert codes(outcomes) == [200] * 320

    def test_delivered_eight_times_each_in_one_batch_give_forty_credits(
        self, onramps: list[OnRampTransaction]
    ) -> None:
        deliveries = [
            services.Delivery(event_id, json.dumps(message(onramp)).encode(), {})
            for onramp in onramps
            for event_id in event_ids(onramp)
        ]

        answers = services.record_bank_events(
            bank="simbank", deliveries=deliveries, now=timezone.now()
        )

        assert_credited_once_each(onramps)
        assert [answer.status for answer in answers] == [200] * 320
        assert sum("duplicate" in answer.body for answer in answers) == 280
