"""A batch of bank events gives each the answer and the effect it has when it comes alone."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from onramp.services import Answer, Delivery, inbox
from tests.factories import available, make_wallet
from tests.onramp.support import message, start
from tests.threads import at_once
from wallet import audit
from wallet.models import Transfer, Wallet

AT = timezone.now()


class World:
    """Two people with three on-ramps each, and a bank that says things of them."""

    def __init__(self) -> None:
        self.name = uuid4().hex[:8]
        self.wallets = [make_wallet(), make_wallet()]
        self.onramps = [start(wallet, now=AT) for wallet in self.wallets for _ in range(3)]

    def deliver(self, said: dict[str, Any]) -> Delivery:
        """Return what the bank sends: said names an on-ramp by its place, and ids by a number."""
        if said["kind"] == "noise":
            return Delivery(f"{self.name}-{said['event']}", said["body"], {})
        onramp = self.onramps[said["place"]]
        changes = dict(said["changes"])
        changes["bank_reference"] = f"{self.name}-{said['reference']}"
        body = json.dumps(message(onramp, said["kind"], **changes)).encode()
        return Delivery(f"{self.name}-{said['event']}", body, {"webhook-id": "x"})

    def state(self) -> Any:
        """Return everything that must not depend on how the events came in."""
        events = BankEvent.objects.filter(event_id__startswith=self.name)
        rows = OnRampTransaction.objects.filter(pk__in=[o.pk for o in self.onramps])
        verdicts = sorted(
            (e.event_id[9:], e.verdict, e.status, e.conflicts_with_id is None, self._place(e))
            for e in events
        )
        settled = [
            (o.status, o.failure_reason, (o.bank_reference or "")[9:], o.transfer is None)
            for o in rows.order_by("pk")
        ]
        return verdicts, settled, [available(wallet) for wallet in self.wallets]

    def _place(self, event: BankEvent) -> int:
        pks = [onramp.pk for onramp in self.onramps]
        return pks.index(event.onramp_id) if event.onramp_id in pks else -1


saids = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["success", "success", "failure"]),
        "place": st.integers(0, 5),
        "event": st.integers(0, 7),
        "reference": st.integers(0, 5),
        "changes": st.sampled_from(
            [{}, {}, {}, {"amount_minor": 7}, {"currency": "EUR"}, {"token": "nobody"}]
        ),
    }
)
noises = st.fixed_dictionaries(
    {
        "kind": st.just("noise"),
        "event": st.integers(0, 7),
        "body": st.sampled_from([b"", b"{}", b"\xff", b'{"type": "onramp.success"}']),
    }
)


def one_by_one(deliveries: list[Delivery]) -> list[Answer]:
    """Record each alone; what is no message is refused as the webhook refuses it."""
    answers = []
    for event_id, body, headers in deliveries:
        try:
            answer = services.record_bank_event(
                bank="simbank", event_id=event_id, body=body, headers=headers, now=AT
            )
        except services.Malformed as error:
            answer = Answer(status=400, body={"error": "malformed", "detail": str(error)})
        answers.append(answer)
    return answers


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


def told(onramps: list[OnRampTransaction]) -> list[Delivery]:
    """Return one good success for each."""
    return [
        Delivery(f"evt-{onramp.pk}", json.dumps(message(onramp)).encode(), {}) for onramp in onramps
    ]


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
