"""A small bank and what it may say, in any order: to hold one way of hearing it against another."""

import json
from typing import Any
from uuid import uuid4

from django.utils import timezone
from hypothesis import strategies as st

from onramp import services
from onramp.models import BankEvent, OnRampTransaction
from onramp.services import Answer, Delivery
from tests.factories import available, make_wallet
from tests.onramp.support import message, start

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
