"""What cannot be applied waits, holds up words on its own payment alone, and is given up."""

import json
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from onramp import banks, services
from onramp.messages import Passing
from onramp.models import BankEvent, OnRampTransaction
from onramp.services import Delivery, draining, settling
from tests.factories import available
from tests.onramp.queues import apply, receive
from tests.onramp.support import message, start


@pytest.mark.django_db
class TestWhatCannotBeApplied:
    @pytest.fixture
    def break_one(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[OnRampTransaction], None]:
        """Return what makes the database refuse whatever settles that on-ramp."""

        def arrange(onramp: OnRampTransaction) -> None:
            settle = settling.settle

            def refusing(settled: Any, now: Any, *, warily: bool) -> Any:
                if any(each.asked.pk == onramp.pk for each in settled):
                    raise IntegrityError
                return settle(settled, now, warily=warily)

            monkeypatch.setattr(draining, "settle", refusing)

        return arrange

    def test_holds_nobody_up_and_is_left_to_staff_after_five_tries(
        self, break_one: Callable[[OnRampTransaction], None]
    ) -> None:
        onramps = [start() for _ in range(4)]
        for onramp in onramps:
            receive(Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {}))
        break_one(onramps[1])

        apply()

        left = BankEvent.objects.get(status="received")
        assert (left.event_id, left.attempts) == (f"evt_{onramps[1].pk}", 5)
        assert [available(onramp.wallet) for onramp in onramps] == [50_000, 0, 50_000, 50_000]
        assert apply() == 0

    @pytest.mark.parametrize("tries", [1, 4])
    def test_is_not_overtaken_by_later_words_on_the_same_payment(self, tries: int) -> None:
        """Guard: they stay behind it, also in a run that begins when it has failed already."""
        stuck, other = start(), start()
        for number, kind in enumerate(["success", "failure"]):
            receive(Delivery(f"evt_{number}", json.dumps(message(stuck, kind)).encode(), {}))
        receive(Delivery("evt_other", json.dumps(message(other)).encode(), {}))
        for _ in range(tries):
            BankEvent.objects.filter(event_id="evt_0").update(attempts=F("attempts") + 1)

        assert apply() == 3

        rows = BankEvent.objects.order_by("pk").values_list("verdict", "attempts")
        assert list(rows) == [("credited", tries + 1), ("contradiction", 1), ("credited", 1)]

    def test_lets_the_later_words_go_on_once_it_is_given_up(self) -> None:
        stuck = start()
        for number, kind in enumerate(["success", "failure"]):
            receive(Delivery(f"evt_{number}", json.dumps(message(stuck, kind)).encode(), {}))
        with pytest.MonkeyPatch.context() as patch:
            read = banks.read_webhook
            patch.setattr(banks, "read_webhook", partial(unless, b"onramp.success", read))

            assert apply() == 1

        rows = BankEvent.objects.order_by("pk").values_list("verdict", "attempts")
        assert list(rows) == [("", 5), ("failed", 1)]

    def test_holds_up_nobody_else_though_nothing_notes_its_payment(self) -> None:
        """As those that were queued before tokens were noted."""
        first, second = start(), start()
        for onramp in (first, second):
            delivery = Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {})
            store_without_token(delivery)
        BankEvent.objects.filter(event_id=f"evt_{first.pk}").update(attempts=1)

        [waiting] = draining._WAITING.rows([], 1)

        assert waiting[2] == f"evt_{second.pk}"


def unless(part: bytes, read: Callable[[str, bytes], Any], bank: str, body: bytes) -> Any:
    """Read it, unless it has that part."""
    if part in body:
        raise services.Malformed("of old")
    return read(bank, body)


def store_without_token(delivery: Delivery) -> None:
    digest = sha256(delivery.body).digest()
    BankEvent.objects.create(
        bank="simbank",
        event_id=delivery.event_id,
        body=delivery.body,
        body_sha256=digest,
        headers={},
        received_at=timezone.now(),
    )


@pytest.mark.django_db
def test_a_body_that_can_be_read_no_more_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a release with another reader: what it does not know waits for staff."""
    bad, good = start(), start()
    for onramp in (bad, good):
        receive(Delivery(f"evt_{onramp.pk}", json.dumps(message(onramp)).encode(), {}))
    read = banks.read_webhook

    def picky(bank: str, body: bytes) -> Any:
        if bad.token.encode() in body:
            raise services.Malformed("of old")
        return read(bank, body)

    monkeypatch.setattr(banks, "read_webhook", picky)
    apply()

    assert [available(onramp.wallet) for onramp in (bad, good)] == [0, 50_000]
    assert BankEvent.objects.get(status="received").attempts == 5


@pytest.mark.django_db
def test_a_body_that_is_read_as_ending_nothing_is_done_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a release whose reader took it for more."""
    receive(Delivery("evt_1", json.dumps(message(start())).encode(), {}))
    monkeypatch.setattr(banks, "read_webhook", lambda bank, body: Passing(kind="of old"))

    assert apply() == 1

    [event] = BankEvent.objects.all()
    assert (event.status, event.verdict) == ("ignored", "settles_nothing")
