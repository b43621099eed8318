"""A batch of bank events gives each the answer and the effect it has when it comes alone."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from onramp.services import Answer, Delivery, inbox
from tests.factories import available, make_wallet
from tests.onramp.support import message, start, told
from tests.onramp.worlds import AT, World, noises, one_by_one, saids
from tests.threads import at_once
from wallet import audit
from wallet.models import Transfer, Wallet


def in_batches(deliveries: list[Delivery], cuts: list[int]) -> Iterator[Answer]:
    """Record them in a few batches."""
    for low, high in pairwise([0, *sorted(cuts), len(deliveries)]):
        yield from services.record_bank_events(
            bank="simbank", deliveries=deliveries[low:high], now=AT
        )


@pytest.mark.django_db
@settings(max_examples=40)
@given(
    said=st.lists(st.one_of(saids, saids, saids, noises), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=2),
)
def test_any_batch_in_any_order_is_as_if_each_had_come_alone(
    said: list[dict[str, Any]], cuts: list[int]
) -> None:
    alone, together = World(), World()

    expected = one_by_one([alone.deliver(one) for one in said])
    got = list(
        in_batches([together.deliver(one) for one in said], [c for c in cuts if c <= len(said)])
    )

    assert got == expected
    assert together.state() == alone.state()
    assert audit.run(clock=timezone.now).findings == []


@pytest.mark.django_db
class TestABatch:
    def test_of_nothing_does_nothing(self) -> None:
        assert services.record_bank_events(bank="simbank", deliveries=[], now=AT) == []

    def test_has_at_most_a_thousand_events(self) -> None:
        with pytest.raises(ValueError, match="at most 1000"):
            services.record_bank_events(
                bank="simbank", deliveries=[Delivery("e", b"{}", {})] * 1001, now=AT
            )

    def test_credits_one_wallet_many_times_and_chains_its_entries(self) -> None:
        wallet = make_wallet()
        onramps = [start(wallet, 1_000 + n) for n in range(20)]

        answers = services.record_bank_events(bank="simbank", deliveries=told(onramps), now=AT)

        assert {answer.status for answer in answers} == {200}
        assert available(wallet) == sum(1_000 + n for n in range(20))
        assert audit.run(clock=timezone.now).findings == []


def record(deliveries: list[Delivery], now: datetime) -> list[Answer]:
    return services.record_bank_events(bank="simbank", deliveries=deliveries, now=now)


@pytest.mark.django_db(transaction=True)
class TestBatchesAtOnce:
    def test_with_the_same_events_in_other_orders_credit_each_once(self) -> None:
        wallets = [make_wallet() for _ in range(4)]
        deliveries = told([start(wallet, 1_000) for wallet in wallets for _ in range(5)])
        acts: list[Callable[[], list[Answer]]] = [
            partial(record, deliveries[n:] + deliveries[:n], timezone.now()) for n in range(10)
        ]

        outcomes = at_once(acts, workers=5)

        fresh = [a for answers in outcomes for a in answers if "duplicate" not in a.body]  # type: ignore[union-attr]
        assert len(fresh) == 20
        assert BankEvent.objects.count() == Transfer.objects.count() == 20
        assert {available(wallet) for wallet in Wallet.objects.filter(kind="user")} == {5_000}

    def test_of_unknown_tokens_keep_each_event_once(self) -> None:
        body = json.dumps(message(start(), token="nobody")).encode()
        deliveries = [Delivery(f"evt-{n}", body, {}) for n in range(20)]

        outcomes = at_once([partial(record, deliveries, AT)] * 10, workers=5)

        assert {a.status for answers in outcomes for a in answers} == {404}  # type: ignore[union-attr]
        assert BankEvent.objects.count() == 20

    def test_start_again_when_somebody_took_an_event_meanwhile(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        onramp, tries = start(), []
        deliveries = told([onramp])
        keep = inbox._keep

        def once_taken(*arguments: Any) -> Any:
            tries.append(arguments)
            if len(tries) == 1:  # The other's row is there, and our look was before it.
                at_once([partial(store_unjudged, deliveries[0])], workers=1)
            return keep(*arguments)

        monkeypatch.setattr(inbox, "_keep", once_taken)
        [answer] = record(deliveries, AT)

        assert (answer.status, answer.body["error"]) == (422, "other_body")
        assert available(onramp.wallet) == 0


def store_unjudged(delivery: Delivery) -> None:
    """Keep an event of that id with another body, as a batch of another process would."""
    unknown = json.dumps(message(OnRampTransaction.objects.get(), token="nobody")).encode()
    services.record_bank_event(
        bank="simbank", event_id=delivery.event_id, body=unknown, headers={}, now=AT
    )
