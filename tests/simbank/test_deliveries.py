"""Webhooks on their way: signed, tried again, never two workers on one, exactly one credit."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from onramp.models import BankEvent
from onramp.simbank import deliveries, services
from onramp.simbank.models import Delivery
from tests.factories import available
from tests.onramp.support import start
from tests.simbank.support import TOKEN, Merchant, drain, make_payment, serving
from tests.threads import at_once
from wallet.models import Transfer

pytestmark = pytest.mark.django_db
really_committed = pytest.mark.django_db(transaction=True)


def owe(mode: str = "now", **terms: Any) -> Delivery:
    """Approve a payment, so that its webhook is owed."""
    payment = make_payment(**terms)
    services.decide(token=payment.token, is_approved=True, mode=mode, now=timezone.now())
    delivery = payment.deliveries.first()
    assert delivery
    return delivery


class TestADelivery:
    @pytest.fixture(autouse=True)
    def _merchant(self, settings: Any) -> None:
        self.settings = settings

    def deliver_to(self, merchant: Merchant, *, later_s: int = 0) -> int:
        with serving(merchant) as url:
            self.settings.BANK_WEBHOOK_URL = f"{url}/hook"
            return drain(later_s=later_s)

    def test_is_signed_for_the_time_it_goes_out(self) -> None:
        delivery, merchant = owe(), Merchant(200)

        assert self.deliver_to(merchant) == 1

        ((headers, body),) = merchant.received
        Webhook(self.settings.BANK_WEBHOOK_SECRETS[0]).verify(body, headers)
        assert headers["webhook-id"] == delivery.event_id
        assert json.loads(body)["data"]["token"] == TOKEN

    def test_is_signed_with_every_secret_while_they_rotate(self) -> None:
        secrets = ["whsec_" + "bmV3" * 10, *self.settings.BANK_WEBHOOK_SECRETS]
        self.settings.BANK_WEBHOOK_SECRETS = secrets
        owe()
        merchant = Merchant(200)

        self.deliver_to(merchant)

        ((headers, body),) = merchant.received
        for secret in secrets:
            Webhook(secret).verify(body, headers)

    @pytest.mark.parametrize("answer", [200, 201, 202, 204])
    def test_is_done_with_any_2xx(self, answer: int) -> None:
        delivery = owe()

        self.deliver_to(Merchant(answer))

        delivery.refresh_from_db()
        assert (delivery.status, delivery.last_status) == ("delivered", answer)
        assert delivery.delivered_at

    @pytest.mark.parametrize("answer", [400, 404, 409, 413, 422])
    def test_stops_and_stays_visible_when_the_merchant_refuses(self, answer: int) -> None:
        delivery = owe()

        assert self.deliver_to(Merchant(answer), later_s=3600) == 1

        delivery.refresh_from_db()
        assert (delivery.status, delivery.last_status) == ("refused", answer)

    @pytest.mark.parametrize("answer", [301, 401, 408, 425, 429, 500, 502, 503])
    def test_is_tried_again_later_after(self, answer: int) -> None:
        delivery = owe()

        assert self.deliver_to(Merchant(answer)) == 1

        delivery.refresh_from_db()
        assert (delivery.status, delivery.attempts) == ("waiting", 1)
        assert delivery.next_attempt_at > timezone.now() - timedelta(seconds=1)
        assert self.deliver_to(Merchant(200), later_s=5) == 1

    def test_is_tried_again_when_nobody_answers(self) -> None:
        delivery = owe()
        self.settings.BANK_WEBHOOK_URL = "http://127.0.0.1:9/hook"

        assert drain() == 1

        delivery.refresh_from_db()
        assert (delivery.status, delivery.last_status) == ("waiting", None)

    def test_is_not_due_before_its_time(self) -> None:
        owe("slow")
        merchant = Merchant(200)

        assert self.deliver_to(merchant) == 0
        assert self.deliver_to(Merchant(200), later_s=21) == 1

    def test_waits_twice_as_long_each_time_up_to_a_minute(self) -> None:
        for attempts, longest in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (500, 60)]:
            waits = [deliveries.wait_s(attempts) for _ in range(50)]
            assert longest / 2 <= min(waits) < max(waits) <= longest

    @really_committed
    def test_is_never_out_twice_at_once(self) -> None:
        """Guard: its row is locked while it is out."""
        owe()
        others: list[int] = []
        merchant = Merchant(200, meanwhile=lambda: others.append(drain_in_thread()))

        assert self.deliver_to(merchant) == 1

        assert (others, len(merchant.received)) == ([0], 1)

    @really_committed
    def test_of_each_event_goes_out_once_from_many_workers(self) -> None:
        """Guard: workers skip what others have."""
        for number in range(12):
            owe(token=f"token-of-payment-{number}", reference=f"ONR-{number}")
        merchant = Merchant()

        with serving(merchant) as url:
            self.settings.BANK_WEBHOOK_URL = url
            tried = at_once([drain] * 4, workers=4)

        assert sum(n for n in tried if isinstance(n, int)) == 12
        assert len({headers["webhook-id"] for headers, _ in merchant.received}) == 12


def drain_in_thread() -> int:
    (tried,) = at_once([drain])
    assert isinstance(tried, int)
    return tried


@contextmanager
def looping() -> Iterator[None]:
    """Run the loop in a thread, as the command does; leave when it has stopped."""
    stop = Event()
    thread = Thread(target=deliveries.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def until_delivered() -> bool:
    """Wait for a delivery to arrive, for as long as a slow machine may need."""
    for _ in range(600):
        if Delivery.objects.filter(status="delivered").exists():
            return True
        Event().wait(0.05)
    return False


@really_committed
class TestTheLoop:
    def test_delivers_what_comes_and_stops_when_told(self, settings: Any) -> None:
        merchant = Merchant(500, 200)
        with serving(merchant) as url:
            settings.BANK_WEBHOOK_URL = url
            with looping():
                delivery = owe()
                assert until_delivered()

        delivery.refresh_from_db()
        assert (delivery.attempts, len(merchant.received)) == (2, 2)

    def test_outlives_a_database_that_goes_away(self, settings: Any, monkeypatch: Any) -> None:
        failures = [OperationalError("gone"), OperationalError("still gone")]
        deliver = deliveries.deliver_next

        def shaky(*args: Any, **kwargs: Any) -> bool:
            if failures:
                raise failures.pop()
            return deliver(*args, **kwargs)

        monkeypatch.setattr(deliveries, "deliver_next", shaky)
        with serving(Merchant(200)) as url:
            settings.BANK_WEBHOOK_URL = url
            with looping():
                owe()
                assert until_delivered()

        assert failures == []


@really_committed
class TestWithNexaPay:
    def asked(self) -> Any:
        """Return an on-ramp that the bank knows of."""
        onramp = start(amount_minor=50_000)
        make_payment(token=onramp.token)
        return onramp

    def test_brings_one_credit_though_the_site_was_down_and_failed(
        self, settings: Any, live_server: Any
    ) -> None:
        onramp = self.asked()
        services.decide(token=onramp.token, is_approved=True, mode="twice", now=timezone.now())
        settings.BANK_WEBHOOK_URL = "http://127.0.0.1:9/"
        assert drain() == 2
        with serving(Merchant(500, 503)) as url:
            settings.BANK_WEBHOOK_URL = url
            assert drain(later_s=5) == 2

        settings.BANK_WEBHOOK_URL = f"{live_server.url}/webhooks/bank/"
        assert drain(later_s=100) == 2

        onramp.refresh_from_db()
        assert (onramp.status, available(onramp.wallet)) == ("success", 50_000)
        assert (Transfer.objects.count(), BankEvent.objects.count()) == (1, 1)
        assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}

    def test_brings_a_refusal_as_a_failure(self, bank_delivers: Callable[..., int]) -> None:
        onramp = self.asked()
        services.decide(token=onramp.token, is_approved=False, mode="now", now=timezone.now())

        bank_delivers()

        onramp.refresh_from_db()
        assert (onramp.status, onramp.failure_reason) == ("failure", "declined by customer")
        assert available(onramp.wallet) == 0
