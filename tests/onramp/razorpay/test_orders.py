"""Adding money through Razorpay: an order for each token, and what its payments come to."""

from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone

from onramp import services
from onramp.banks import Bank, BankUnreachable, Payment, PaymentReport, PaymentState
from onramp.banks.razorpay import CHECKOUT_SALT
from tests.factories import available
from tests.onramp.razorpay.support import Fake, order, payment
from tests.onramp.support import start
from tests.threads import at_once

TOKEN = "a-token-of-ours-with-43-characters-or-more-"
OVER = timedelta(minutes=16)


def asked(**changes: Any) -> Payment:
    fields: dict[str, Any] = {
        "token": TOKEN,
        "amount_minor": 50_000,
        "currency": "INR",
        "bank": "banyan",
        "reference": "ONR-1234-ABCD",
        "expires_at": timezone.now() + timedelta(minutes=20),
        "return_url": "http://testserver/add-money/x/",
    }
    return Payment(**fields | changes)


def order_on(page: str | Exception) -> str:
    """Return the order that a page of ours leads to."""
    assert isinstance(page, str), page
    fields = signing.loads(page.split("/")[3], salt=CHECKOUT_SALT)["fields"]
    return str(fields["order_id"])


class TestAnOrder:
    def test_is_made_once_for_each_token(self, bank: Bank, razorpay: Fake) -> None:
        for _ in range(3):
            bank.create_payment(asked())

        (made,) = razorpay.orders
        assert (made["amount"], made["currency"], made["notes"]["token"]) == (50_000, "INR", TOKEN)
        assert len(made["receipt"]) == 40

    def test_is_one_though_two_ask_at_once(self, bank: Bank, razorpay: Fake) -> None:
        """Guard: who finds an older one goes on with it."""
        razorpay.answers = [(200, {"items": []})] * 2  # Both look before either has asked.
        razorpay.meeting = Barrier(2)

        pages = at_once([partial(bank.create_payment, asked())] * 2)

        assert len(razorpay.orders) == 2
        assert {order_on(page) for page in pages} == {razorpay.orders[0]["id"]}

    def test_of_other_terms_is_not_offered(self, bank: Bank) -> None:
        bank.create_payment(asked())

        with pytest.raises(BankUnreachable, match="other terms"):
            bank.create_payment(asked(amount_minor=60_000))

    def test_of_a_longer_receipt_is_not_ours(self, bank: Bank, razorpay: Fake) -> None:
        """Guard: Razorpay looks for a receipt inside others."""
        bank.create_payment(asked())
        razorpay.orders[0]["receipt"] += "0"

        assert bank.query_payment(token=TOKEN).state is PaymentState.UNKNOWN

    @pytest.mark.parametrize("status", [400, 401, 429, 500, 502])
    def test_is_not_offered_when_the_answer_is_an_error(
        self, bank: Bank, razorpay: Fake, status: int
    ) -> None:
        razorpay.answers = [(200, {"items": []}), (status, {"error": {}})]

        with pytest.raises(BankUnreachable):
            bank.create_payment(asked())


class TestAskingAboutAPayment:
    def ordered(self, bank: Bank, razorpay: Fake, **changes: Any) -> dict[str, Any]:
        bank.create_payment(asked(**changes))
        return razorpay.orders[0]

    def test_hears_of_no_order(self, bank: Bank) -> None:
        assert bank.query_payment(token=TOKEN) == PaymentReport(state=PaymentState.UNKNOWN)

    @pytest.mark.parametrize("statuses", [[], ["created"], ["failed"], ["failed", "authorized"]])
    def test_hears_that_it_may_still_be_paid(
        self, bank: Bank, razorpay: Fake, statuses: list[str]
    ) -> None:
        of = self.ordered(bank, razorpay)
        razorpay.payments = [payment(of, status) for status in statuses]

        assert bank.query_payment(token=TOKEN).state is PaymentState.PENDING

    def test_hears_that_it_was_paid_at_the_second_try(self, bank: Bank, razorpay: Fake) -> None:
        of = self.ordered(bank, razorpay)
        paid = payment(of)
        razorpay.payments = [payment(of, "failed"), paid]

        assert bank.query_payment(token=TOKEN) == PaymentReport(
            state=PaymentState.SUCCEEDED,
            amount_minor=50_000,
            currency="INR",
            bank_reference=paid["id"],
        )

    def test_names_what_is_left_of_a_refunded_payment(self, bank: Bank, razorpay: Fake) -> None:
        """Guard: terms that differ are for staff, and credit nobody."""
        of = self.ordered(bank, razorpay)
        razorpay.payments = [payment(of, amount_refunded=20_000)]

        assert bank.query_payment(token=TOKEN).amount_minor == 30_000

    @pytest.mark.parametrize(
        ("statuses", "state"),
        [
            ([], PaymentState.FAILED),
            (["failed", "failed"], PaymentState.FAILED),
            (["refunded"], PaymentState.FAILED),
            (["failed", "created"], PaymentState.PENDING),
            (["authorized"], PaymentState.PENDING),
            (["captured"], PaymentState.SUCCEEDED),
        ],
    )
    def test_ends_what_nobody_pays_only_when_nothing_is_under_way(
        self, bank: Bank, razorpay: Fake, statuses: list[str], state: PaymentState
    ) -> None:
        of = self.ordered(bank, razorpay, expires_at=timezone.now() - OVER)
        razorpay.payments = [payment(of, status) for status in statuses]

        assert bank.query_payment(token=TOKEN).state is state

    def test_looks_at_every_order_of_the_token(self, bank: Bank, razorpay: Fake) -> None:
        first = self.ordered(bank, razorpay)
        razorpay.orders.append(order(first))
        razorpay.payments = [payment(razorpay.orders[1])]

        assert bank.query_payment(token=TOKEN).state is PaymentState.SUCCEEDED

    @pytest.mark.parametrize(
        "answer",
        [
            (200, {}),
            (200, {"items": {}}),
            (200, {"items": ["order"]}),
            (200, {"items": [{"receipt": None}] * 100}),
            (404, {"items": []}),
            (401, {"error": {"code": "BAD_REQUEST_ERROR"}}),
            (500, {"items": []}),
        ],
    )
    def test_takes_no_other_answer_for_one(
        self, bank: Bank, razorpay: Fake, answer: tuple[int, Any]
    ) -> None:
        razorpay.answers = [answer]

        with pytest.raises(BankUnreachable):
            bank.query_payment(token=TOKEN)

    @pytest.mark.parametrize(
        "change", [{"id": "../refunds"}, {"amount": "50000"}, {"notes": []}, {"created_at": None}]
    )
    def test_takes_no_odd_order_for_one(
        self, bank: Bank, razorpay: Fake, change: dict[str, Any]
    ) -> None:
        self.ordered(bank, razorpay).update(change)

        with pytest.raises(BankUnreachable):
            bank.query_payment(token=TOKEN)

    def test_needs_its_keys(self, bank: Bank, razorpay: Fake, settings: Any) -> None:
        bank._auth = ("rzp_test_1DP5mmOlF5G5ag", "wrong")  # type: ignore[attr-defined]

        with pytest.raises(BankUnreachable, match="401"):
            bank.query_payment(token=TOKEN)


@pytest.mark.django_db
class TestTheWorker:
    def test_credits_what_was_paid_though_no_webhook_came(self, bank: Bank, razorpay: Fake) -> None:
        onramp = start(now=timezone.now() - timedelta(minutes=5))
        bank.create_payment(asked(token=onramp.token))
        razorpay.payments = [payment(razorpay.orders[0])]

        services.ask_about_onramps(bank=bank, now=timezone.now())

        onramp.refresh_from_db()
        assert (onramp.status, available(onramp.wallet)) == ("success", 50_000)
        assert onramp.bank_reference == razorpay.payments[0]["id"]
