"""Razorpay's webhooks through our one door."""

from functools import partial
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from onramp import services
from onramp.banks import razorpay_messages
from onramp.messages import PayoutMessage, PayoutSaid
from onramp.models import BankEvent, OnRampTransaction
from onramp.strict import Malformed
from tests.factories import available
from tests.onramp.razorpay.support import event, order, payment, payout, signed
from tests.onramp.support import URL, answered, codes, refused, start, statuses
from tests.threads import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("razorpay")]


def post(body: bytes, **headers: str) -> HttpResponse:
    answer = Client().post(
        URL, body, content_type="application/json", headers=signed(body) | headers
    )
    return cast(HttpResponse, answer)


def order_of(onramp: OnRampTransaction, **changes: Any) -> dict[str, Any]:
    asked = {"amount": onramp.amount_minor, "currency": "INR", "receipt": "r"}
    return order(asked | {"notes": {"token": onramp.token}}, **changes)


def paid(onramp: OnRampTransaction, **changes: Any) -> bytes:
    of = order_of(onramp)
    return event("order.paid", payment=payment(of, **changes), order=of)


class TestAPaidOrder:
    def test_credits_once_however_often_it_comes(self) -> None:
        onramp = start()
        body = paid(onramp, id="pay_1")

        first = post(body, **{"x-razorpay-event-id": "evt-1"})
        again = post(body, **{"x-razorpay-event-id": "evt-1"})
        replayed = post(body, **{"x-razorpay-event-id": "evt-2"})

        assert answered(first) == (200, {"status": "success"})
        assert (
            answered(again) == answered(replayed) == (200, {"status": "success", "duplicate": True})
        )
        onramp.refresh_from_db()
        assert (onramp.bank_reference, available(onramp.wallet)) == ("pay_1", 50_000)
        assert statuses() == ["processed", "ignored"]

    def test_is_kept_with_what_proves_it(self) -> None:
        body = paid(start())
        headers = signed(body, event_id="evt-1")

        post(body, **headers)

        event_kept = BankEvent.objects.get()
        assert (event_kept.bank, event_kept.event_id) == ("razorpay", "evt-1")
        key_id = event_kept.headers.pop("key-id")
        assert (bytes(event_kept.body), event_kept.headers, len(key_id)) == (body, headers, 8)

    @pytest.mark.parametrize("change", [{"amount": 1}, {"amount_refunded": 1}, {"currency": "USD"}])
    def test_of_other_terms_is_quarantined(self, change: dict[str, Any]) -> None:
        onramp = start()

        assert refused(post(paid(onramp, **change))) == (422, "terms_differ")

        assert (available(onramp.wallet), statuses()) == (0, ["quarantined"])

    def test_of_a_payment_that_paid_another_is_quarantined(self) -> None:
        first, second = start(), start()
        post(paid(first, id="pay_1"))

        assert refused(post(paid(second, id="pay_1"))) == (422, "reference_taken")

    def test_of_another_order_is_malformed(self) -> None:
        onramp = start()

        assert refused(post(paid(onramp, order_id="order_2"))) == (400, "malformed")


class TestASignature:
    @pytest.mark.parametrize("signature", ["", "x", "0" * 64, "é"])
    def test_must_be_razorpays(self, signature: str) -> None:
        answer = post(paid(start()), **{"x-razorpay-signature": signature})

        assert refused(answer) == (401, "signature")
        assert not BankEvent.objects.exists()

    def test_may_be_of_the_secret_before(self) -> None:
        body = paid(start())

        assert post(body, **signed(body, secret="the-secret-before-this-one")).status_code == 200

    def test_of_another_body_or_secret_is_none(self) -> None:
        body = paid(start())

        assert post(body + b" ", **signed(body)).status_code == 401
        assert post(body, **signed(body, secret="nobodys")).status_code == 401

    def test_of_standard_webhooks_is_none(self) -> None:
        from_simbank = {"webhook-id": "e", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
        answer = Client().post(URL, b"{}", content_type="application/json", headers=from_simbank)

        assert answer.status_code == 401

    @pytest.mark.parametrize("event_id", ["", "two words", "x" * 129])
    def test_comes_with_an_id_that_we_can_keep(self, event_id: str) -> None:
        answer = post(paid(start()), **{"x-razorpay-event-id": event_id})

        assert answer.status_code in (400, 401)
        assert not BankEvent.objects.exists()


class TestWhatEndsNothing:
    @pytest.mark.parametrize("mode", ["direct", "queue"])
    @pytest.mark.parametrize(
        "name",
        [
            "refund.created",
            "payment.dispute.created",
            "payment.downtime.started",
            "payout.cancelled",
            "payout.queued",
            "transaction.created",
            "fund_account.validation.completed",
            "something.that_nobody.has_heard_of_2",
        ],
    )
    def test_is_kept_whatever_its_name(self, name: str, mode: str, settings: Any) -> None:
        """Guard: a webhook that keeps being refused is switched off, and order.paid with it."""
        settings.BANK_WEBHOOK_MODE = mode
        body = event(name, refund={"id": "rfnd_1", "entity": "refund", "notes": []})

        assert answered(post(body)) == (200, {"status": "ignored"})

        kept = BankEvent.objects.get()
        assert (bytes(kept.body), kept.verdict) == (body, "settles_nothing")

    @pytest.mark.parametrize("name", ["payment.failed", "payment.captured", "payment.authorized"])
    def test_is_taken_and_moves_nothing(self, name: str) -> None:
        """Guard: a payment's own notes went through its payer's browser, and may name any token."""
        onramp = start()
        of = order_of(onramp)
        told = payment(of, notes={"token": onramp.token})

        assert answered(post(event(name, payment=told))) == (200, {"status": "ignored"})

        onramp.refresh_from_db()
        assert (onramp.status, available(onramp.wallet)) == ("processing", 0)

    @pytest.mark.parametrize("mode", ["direct", "queue"])
    def test_is_kept_once_as_it_came_however_often_it_comes(self, mode: str, settings: Any) -> None:
        settings.BANK_WEBHOOK_MODE = mode
        body = event("payment.captured", payment=payment(order_of(start())))
        headers = signed(body, event_id="evt-1")

        answers = [answered(post(body, **headers)) for _ in range(3)]

        assert answers == [(200, {"status": "ignored"})] * 3
        kept = BankEvent.objects.get()
        assert (bytes(kept.body), kept.event_id) == (body, "evt-1")
        assert (kept.status, kept.verdict, kept.onramp) == ("ignored", "settles_nothing", None)
        assert len(kept.headers.pop("key-id")) == 8
        assert kept.headers == headers

    def test_is_kept_in_a_batch_as_well(self) -> None:
        body = event("payment.captured", payment=payment(order_of(start())))
        copies = [services.Delivery("evt-1", body, {})] * 2

        answers = services.record_bank_events(
            bank="razorpay", deliveries=copies, now=timezone.now()
        )

        assert [(each.status, each.body) for each in answers] == [(200, {"status": "ignored"})] * 2
        assert statuses() == ["ignored"]

    def test_is_refused_when_its_id_stood_for_something_else(self) -> None:
        first = event("payment.captured", payment=payment(order_of(start())))
        other = event("payment.failed", payment=payment(order_of(start()), "failed"))
        post(first, **{"x-razorpay-event-id": "evt-1"})

        for _ in range(2):
            answer = post(other, **{"x-razorpay-event-id": "evt-1"})
            assert refused(answer) == (422, "other_body")

        assert statuses() == ["ignored", "quarantined"]

    def test_is_seen_by_staff(self) -> None:
        post(event("payment.captured", payment=payment(order_of(start()))))
        client = Client()
        client.force_login(User.objects.create_superuser("staff", "correct-horse-battery"))

        page = client.get("/admin/onramp/bankevent/?verdict__exact=settles_nothing")

        assert "Ends nothing" in page.content.decode()
        assert "1 bank event" in page.content.decode()

    def test_does_not_end_an_order_that_is_paid_at_the_second_try(self) -> None:
        onramp = start()
        post(event("payment.failed", payment=payment(order_of(onramp), "failed")))

        assert post(paid(onramp)).status_code == 200

        assert available(onramp.wallet) == 50_000


@pytest.mark.django_db(transaction=True)
class TestManyCopies:
    def test_of_what_ends_nothing_are_kept_once(self) -> None:
        """Guard: bank_event_once, and beginning again when it refuses."""
        body = event("payment.captured", payment=payment(order_of(start())))
        copies = [partial(post, body, **{"x-razorpay-event-id": "evt-1"})] * 12

        answers = at_once(copies, workers=6)

        assert codes(answers) == [200] * 12
        assert BankEvent.objects.count() == 1


class TestWhatIsNotKnown:
    @pytest.mark.parametrize(
        "body",
        [
            b"not json",
            b"[]",
            b"{}",
            b'{"event": "refund.created"}',
            b'{"event": "refund.created", "payload": []}',
            b'{"type": "onramp.success", "data": {}}',
            event("Refund created"),
            event("refund"),
            event("order.paid"),
            event("order.paid", order={}, payment={}),
            event(
                "order.paid", order={"id": "order_1", "notes": []}, payment={"order_id": "order_1"}
            ),
        ],
    )
    def test_is_malformed(self, body: bytes) -> None:
        assert refused(post(body)) == (400, "malformed")
        assert not BankEvent.objects.exists()


class TestAPayout:
    def said(self, name: str, **changes: Any) -> PayoutMessage:
        asked = {
            "amount": 20_000,
            "currency": "INR",
            "notes": {"token": "a-token-of-ours"},
            **dict.fromkeys(("purpose", "mode", "reference_id", "narration")),
        }
        said = razorpay_messages.read(event(name, payout=payout(asked, id="pout_1", **changes)))
        assert isinstance(said, PayoutMessage)
        return said

    @pytest.mark.parametrize(
        ("name", "meaning"),
        [
            ("payout.processed", PayoutSaid.SUCCESS),
            ("payout.failed", PayoutSaid.FAILURE),
            ("payout.rejected", PayoutSaid.FAILURE),
            ("payout.reversed", PayoutSaid.RETURNED),
        ],
    )
    def test_is_told_in_our_words(self, name: str, meaning: PayoutSaid) -> None:
        assert self.said(name, failure_reason="Beneficiary bank is offline") == PayoutMessage(
            said=meaning,
            token="a-token-of-ours",
            amount_minor=20_000,
            currency="INR",
            bank_reference="pout_1",
            reason="Beneficiary bank is offline",
        )

    def test_without_our_token_is_malformed(self) -> None:
        with pytest.raises(Malformed, match="notes"):
            self.said("payout.processed", notes=[])
