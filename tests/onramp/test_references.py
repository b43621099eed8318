"""A reference, which people read to one another, tells movements apart, and staff search by it."""

import pytest
import time_machine
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from onramp import services
from onramp.models import BankEvent, OffRampTransaction, OnRampTransaction
from tests.onramp.offramps import submitted
from tests.onramp.support import message, post, start, told
from wallet import selectors
from wallet.models import Entry, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("staff", "correct-horse-battery"))
    return client


def found(staff: Client, model: type[Model], q: str) -> set[int]:
    """Search the admin's list; return the rows that it shows."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    response = staff.get(address, {"q": q})
    assert response.status_code == 200
    return {row.pk for row in response.context["cl"].result_list}


@pytest.fixture
def credit() -> Transfer:
    """One of two credits, each with its on-ramp and event."""
    for onramp in (start(), start()):
        post(message(onramp))
    return Transfer.objects.filter(kind=Transfer.Kind.ONRAMP).latest("pk")


class TestCreditsOfOneBatch:
    def test_have_references_of_their_own(self) -> None:
        deliveries = told([start() for _ in range(20)])

        services.record_bank_events(bank="simbank", deliveries=deliveries, now=timezone.now())

        made = Transfer.objects.filter(kind="onramp").values_list("public_id", flat=True)
        assert len({selectors.reference(public_id) for public_id in made}) == 20


class TestAReferenceOfEightDigits:
    @pytest.mark.parametrize("model", [OnRampTransaction, OffRampTransaction])
    def test_is_all_chance(self, model: type[OnRampTransaction] | type[OffRampTransaction]) -> None:
        """A line of a bank may name a payment by it alone, and two must not share it."""
        with time_machine.travel(1_800_000_000, tick=False):
            beginnings = {model().reference[:8] for _ in range(20)}

        assert len(beginnings) > 1


class TestStaffFind:
    def test_a_transfer_and_its_entries(self, staff: Client, credit: Transfer) -> None:
        reference = selectors.reference(credit.public_id)

        assert found(staff, Transfer, reference) == {credit.pk}
        assert found(staff, Entry, reference) == {entry.pk for entry in credit.entries.all()}

    def test_it_however_it_is_written(self, staff: Client, credit: Transfer) -> None:
        reference = selectors.reference(credit.public_id)

        bare = "NXP-" + reference[4:].replace("-", "")
        for typed in (reference.lower(), f" {reference} ", reference[:-3], bare):
            assert found(staff, Transfer, typed) == {credit.pk}

    def test_an_onramp_and_its_event(self, staff: Client, credit: Transfer) -> None:
        onramp = OnRampTransaction.objects.get(transfer=credit)

        assert found(staff, OnRampTransaction, onramp.reference) == {onramp.pk}
        assert found(staff, BankEvent, onramp.reference) == {onramp.events.get().pk}

    def test_a_withdrawal(self, staff: Client) -> None:
        asked, _other = submitted(), submitted()

        assert found(staff, OffRampTransaction, asked.reference) == {asked.pk}

    @pytest.mark.parametrize("typed", ["NXP-", "NXP-12", "NXP-ZZZZ", "NXP-0000-0000-0000-0000"])
    def test_nothing_by_what_is_none(self, staff: Client, credit: Transfer, typed: str) -> None:
        assert found(staff, Transfer, typed) == set()
