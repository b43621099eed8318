"""A bank's word on a withdrawal, through the one door: whatever repeats, once."""

import json
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from onramp import services
from onramp.models import BankEvent, OffRampTransaction
from tests.factories import available, locked, make_wallet
from tests.onramp.offramps import account, afresh, problems, submitted, withdraw, word
from tests.onramp.support import answered, codes, deliver, message, post, refused, start, statuses
from tests.threads import at_once
from wallet.models import Entry, Transfer

pytestmark = pytest.mark.django_db


def holds(offramp: OffRampTransaction) -> tuple[int, int]:
    return available(offramp.wallet), locked(offramp.wallet)


class TestGoodNews:
    def test_lets_the_money_leave(self) -> None:
        offramp = submitted()

        answer = post(word(offramp))

        assert answered(answer) == (200, {"status": "success"})
        offramp = afresh(offramp)
        assert (offramp.status, offramp.bank_reference) == ("success", f"PAY-{offramp.pk}")
        assert offramp.transfer
        assert offramp.transfer.note == "Banyan Bank •••• 4821"
        assert holds(offramp) == (70_000, 0)
        assert statuses() == ["processed"]
        assert problems() == []

    def test_of_a_failure_releases_the_money(self) -> None:
        offramp = submitted()

        assert answered(post(word(offramp, "failure"))) == (200, {"status": "failure"})

        assert afresh(offramp).failure_reason == "account closed"
        assert holds(offramp) == (100_000, 0)
        assert problems() == []

    def test_of_a_return_brings_it_back_as_a_new_credit(self) -> None:
        offramp = submitted()
        post(word(offramp))

        answer = post(word(offramp, "returned"))

        assert answered(answer) == (200, {"status": "returned"})
        offramp = afresh(offramp)
        assert offramp.status == "returned"
        assert offramp.return_transfer
        assert (offramp.return_transfer.kind, offramp.return_transfer.amount_minor) == (
            *("return", 30_000),
        )
        assert holds(offramp) == (100_000, 0)
        settlement = Entry.objects.filter(wallet__kind="settlement", transfer__kind="payout")
        assert settlement.get().delta_available_minor == 30_000
        assert problems() == []

    def test_of_a_return_alone_pays_out_first(self) -> None:
        """The news of the payment was lost, that of its return was not."""
        offramp = submitted()

        assert post(word(offramp, "returned")).status_code == 200

        kinds = Transfer.objects.filter(pk__gt=offramp.hold.transfer_id).order_by("pk")
        assert list(kinds.values_list("kind", flat=True)) == ["payout", "return"]
        assert afresh(offramp).status == "returned"
        assert problems() == []

    def test_may_lack_a_reference_and_a_reason_when_it_failed(self) -> None:
        offramp = submitted()

        assert post(word(offramp, "failure", bank_reference=None, reason=None)).status_code == 200

        assert afresh(offramp).failure_reason == "no reason given"


class TestRepeats:
    def test_of_the_same_event_change_nothing(self) -> None:
        offramp = submitted()
        post(word(offramp), event_id="evt_1")

        again = post(word(offramp), event_id="evt_1")

        assert answered(again) == (200, {"status": "success", "duplicate": True})
        assert BankEvent.objects.count() == 1
        assert holds(offramp) == (70_000, 0)

    @pytest.mark.parametrize(
        ("first", "then"),
        [
            ("success", "success"),
            ("failure", "failure"),
            ("returned", "returned"),
            ("returned", "success"),
        ],
    )
    def test_of_the_same_word_change_nothing(self, first: str, then: str) -> None:
        offramp = submitted()
        post(word(offramp, first))
        before = holds(offramp)

        again = post(word(offramp, then))

        assert answered(again) == (200, {"status": then, "duplicate": True})
        assert statuses() == ["processed", "ignored"]
        assert (holds(offramp), problems()) == (before, [])

    def test_under_another_reference_are_looked_at(self) -> None:
        """The bank may have paid twice."""
        offramp = submitted()
        post(word(offramp))

        assert post(word(offramp, bank_reference="PAY-OTHER")).status_code == 200

        assert BankEvent.objects.latest("pk").verdict == "other_reference"


class TestQuarantine:
    @pytest.mark.parametrize(
        ("first", "then"),
        [("success", "failure"), ("failure", "success"), ("returned", "failure"),
         ("failure", "returned")],
    )  # fmt: skip
    def test_keeps_what_contradicts(self, first: str, then: str) -> None:
        offramp = submitted()
        post(word(offramp, first))
        before = holds(offramp)

        assert refused(post(word(offramp, then))) == (409, "contradiction")

        assert statuses() == ["processed", "quarantined"]
        assert (holds(offramp), problems()) == (before, [])

    @pytest.mark.parametrize("kind", ["success", "failure", "returned"])
    def test_keeps_a_word_on_what_the_bank_was_never_asked(self, kind: str) -> None:
        offramp = withdraw()

        assert refused(post(word(offramp, kind))) == (409, "contradiction")

        assert (afresh(offramp).status, locked(offramp.wallet)) == ("requested", 30_000)

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            ({"amount_minor": 30_001}, (422, "terms_differ")),
            ({"currency": "EUR"}, (422, "terms_differ")),
            ({"token": "nobody-knows-it"}, (404, "unknown_token")),
        ],
    )
    def test_keeps_what_is_about_something_else(
        self, data: dict[str, Any], expected: tuple[int, str]
    ) -> None:
        offramp = submitted()

        assert refused(post(word(offramp, **data))) == expected

        assert statuses() == ["quarantined"]
        assert holds(offramp) == (70_000, 30_000)

    def test_keeps_a_reference_that_paid_another_withdrawal(self) -> None:
        ana = make_wallet(balance_minor=100_000)
        first, second = submitted(ana), submitted(ana)
        post(word(first, bank_reference="PAY-1"))

        assert refused(post(word(second, bank_reference="PAY-1"))) == (422, "reference_taken")

    def test_keeps_another_body_under_the_same_id(self) -> None:
        offramp = submitted()
        post(word(offramp), event_id="evt_1")

        for _ in range(2):
            answer = post(word(offramp, "failure"), event_id="evt_1")
            assert refused(answer) == (422, "other_body")

        first, other = BankEvent.objects.order_by("pk")
        assert (other.conflicts_with, other.status) == (first, "quarantined")

    def test_keeps_a_body_under_the_id_of_an_onramp_s_event(self) -> None:
        offramp = submitted()
        post(message(start()), event_id="evt_1")

        assert refused(post(word(offramp), event_id="evt_1")) == (422, "other_body")

        assert holds(offramp) == (70_000, 30_000)

    @pytest.mark.parametrize(
        ("kind", "data"),
        [("success", {"bank_reference": None}), ("returned", {"bank_reference": None}),
         ("success", {"amount_minor": "30000"}), ("lost", {}), ("success", {"token": ...})],
    )  # fmt: skip
    def test_stores_nothing_malformed(self, kind: str, data: dict[str, Any]) -> None:
        assert post(word(submitted(), kind, **data)).status_code == 400

        assert not BankEvent.objects.exists()


class TestBatches:
    def test_answer_each_as_if_it_had_come_alone(self) -> None:
        onramp, offramp = start(), submitted()
        bodies = [message(onramp), word(offramp), word(offramp), message(onramp, "failure")]

        answers = services.record_bank_events(
            bank="simbank",
            deliveries=[
                services.Delivery(uuid4().hex, as_json(body), {}) for body in [*bodies, {"type": 1}]
            ],
            now=timezone.now(),
        )

        assert [answer.status for answer in answers] == [200, 200, 200, 409, 400]
        assert [answer.body.get("duplicate", False) for answer in answers[:3]] == [
            *(False, False, True),
        ]
        assert problems() == []


def as_json(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_a_hundred_copies_pay_out_once(self) -> None:
        """Guard: the withdrawal's row is locked before it is judged."""
        offramp = submitted()
        said = word(offramp)

        outcomes = at_once(
            [partial(deliver, said, event_id=f"evt_{n % 4}") for n in range(40)], workers=8
        )

        assert codes(outcomes) == [200] * 40
        assert BankEvent.objects.filter(status="processed").count() == 1
        assert holds(offramp) == (70_000, 0)
        assert problems() == []

    def test_success_and_failure_together_end_in_one_of_them(self) -> None:
        offramp = submitted()
        acts = [partial(deliver, word(offramp)), partial(deliver, word(offramp, "failure"))]

        outcomes = at_once(acts * 4)

        assert set(codes(outcomes)) == {200, 409}
        ended = afresh(offramp).status
        assert holds(offramp) == ((70_000, 0) if ended == "success" else (100_000, 0))
        assert problems() == []

    def test_money_that_comes_and_goes_in_one_wallet_stays_right(self) -> None:
        ana = make_wallet(balance_minor=100_000)
        to = account(ana)
        outs = [submitted(ana, amount_minor=10_000, to=to) for _ in range(4)]
        ins = [start(ana, 10_000) for _ in range(4)]

        at_once(
            [partial(deliver, word(each)) for each in outs]
            + [partial(deliver, message(each)) for each in ins]
            + [partial(withdraw, ana, 1_000, to=to)] * 2
        )

        assert (available(ana), locked(ana)) == (98_000, 2_000)
        assert problems() == []
