"""What staff see of on-ramps, events and the bank beside us: all of it, and none to change."""

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from onramp.models import BankEvent, OnRampTransaction
from onramp.simbank.models import Delivery, Payment
from tests.onramp.support import message, post, start
from tests.simbank.test_deliveries import owe

pytestmark = pytest.mark.django_db
MODELS: list[type[Model]] = [OnRampTransaction, BankEvent, Payment, Delivery]


@pytest.fixture
def staff() -> Client:
    """Somebody who may see everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("staff", "correct-horse-battery"))
    return client


@pytest.fixture
def _rows() -> None:
    onramp, other = start(), start()
    post(message(onramp), event_id="evt_1")
    post(message(other), event_id="evt_1")
    post(message(start(), token="nobody-knows-me"))
    owe()


def address(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize("model", MODELS)
class TestStaff:
    def test_see_the_list_and_may_search_it(self, staff: Client, model: type[Model]) -> None:
        assert staff.get(address(model, "changelist")).status_code == 200
        assert staff.get(address(model, "changelist") + "?q=evt_1").status_code == 200
        assert staff.get(address(model, "changelist") + "?status=success").status_code in {200, 302}

    def test_see_each_row(self, staff: Client, model: type[Model]) -> None:
        for row in model._default_manager.all():
            assert staff.get(address(model, "change", row.pk)).status_code == 200

    def test_change_nothing(self, staff: Client, model: type[Model]) -> None:
        row = model._default_manager.latest("pk")

        assert staff.get(address(model, "add")).status_code == 403
        assert staff.post(address(model, "change", row.pk), {}).status_code == 403
        assert staff.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.usefixtures("_rows")
class TestTheAdmin:
    def test_links_an_onramp_to_its_wallet_credit_and_events(self, staff: Client) -> None:
        onramp = OnRampTransaction.objects.get(status="success")

        page = staff.get(address(OnRampTransaction, "change", onramp.pk)).content.decode()

        for link in (
            f"/admin/wallet/wallet/{onramp.wallet_id}/",
            f"/admin/wallet/transfer/{onramp.transfer_id}/",
            f"/admin/onramp/bankevent/?onramp__id__exact={onramp.pk}",
        ):
            assert link in page
        assert onramp.token not in page

    def test_links_an_event_to_its_onramp_and_shows_what_it_said(self, staff: Client) -> None:
        event = BankEvent.objects.get(verdict="other_body")

        page = staff.get(address(BankEvent, "change", event.pk)).content.decode()

        assert f"/admin/onramp/bankevent/{event.conflicts_with_id}/" in page
        assert f"/admin/onramp/onramptransaction/{event.onramp_id}/" in page
        assert "onramp.success" in page

    def test_shows_quarantine_on_the_books_page(self, staff: Client) -> None:
        page = staff.get("/admin/books/").content.decode()

        assert "Same event id, other body" in page
        assert "On-ramps by status" in page
