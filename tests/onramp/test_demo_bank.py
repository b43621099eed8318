"""The demo people's bank knows what they did, so that both books agree from the first start on."""

from datetime import UTC, date, datetime
from io import StringIO
from itertools import chain

import pytest
import time_machine
from django.core.management import call_command
from django.db.models import Model
from django.utils import timezone
from pytest_django import Settings

from onramp import services
from onramp.models import OffRampTransaction, OnRampTransaction
from onramp.simbank import services as bank_services
from onramp.simbank import statements
from onramp.simbank.models import Delivery, Payment, Payout
from tests.onramp.statements import found

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # Noon in Kolkata.


def seed() -> None:
    with time_machine.travel(NOW, tick=False):
        call_command("seed_demo", stdout=StringIO())


def days() -> list[date]:
    """Return every day on which the bank moved money for somebody."""
    ins = OnRampTransaction.objects.filter(status="success").values_list("settled_at", flat=True)
    outs = OffRampTransaction.objects.filter(status="success").values_list("settled_at", flat=True)
    return sorted({timezone.localdate(at) for at in chain(ins, outs)})


_SAME = {
    "approved": "success",
    "declined": "failure",
    "awaiting": "processing",
    "succeeded": "success",
    "failed": "failure",
}


def stands(model: type[Model]) -> dict[str, str]:
    """Return how each of them stands, by its token and in our words."""
    rows = model._default_manager.values_list("token", "status")
    return {token: _SAME.get(status, status) for token, status in rows}


def test_every_day_of_theirs_reconciles() -> None:
    seed()

    assert len(days()) > 5
    for day in days():
        body = "".join(statements.csv(day)).encode()
        given = services.Given(bank="simbank", day=day, format="csv", body=body)
        with time_machine.travel(NOW):
            statement = services.reconcile(given=given, now=NOW)
        assert (found(statement), statement.matched) == ([], statement.lines)
        assert statement.lines > 0


def test_it_knows_how_each_stands_and_has_told_it_all() -> None:
    seed()

    assert stands(Payment) == stands(OnRampTransaction)
    assert stands(Payout) == stands(OffRampTransaction)
    assert Delivery.objects.count() == 0


def test_what_waits_can_be_continued_there() -> None:
    seed()
    onramp = OnRampTransaction.objects.get(status="processing")
    terms = bank_services.Terms(
        token=onramp.token,
        amount_minor=onramp.amount_minor,
        currency=onramp.currency,
        brand=onramp.bank,
        reference=onramp.reference,
        expires_at=onramp.pay_before,
    )

    _, is_new = bank_services.create_payment(terms=terms, return_url="http://x/", now=NOW)

    assert not is_new


def test_seeding_again_adds_nothing_there() -> None:
    seed()
    payments = Payment.objects.count()

    seed()

    assert Payment.objects.count() == payments > 40


def test_another_bank_has_no_such_books(settings: Settings) -> None:
    settings.BANK = "razorpay"

    seed()

    assert (Payment.objects.count(), OnRampTransaction.objects.count() > 40) == (0, True)
