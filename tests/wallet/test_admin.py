"""Staff look at the books, and cannot touch them."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from nexapay.kernel import money
from tests.factories import available, make_user, make_wallet, send
from tests.wallet.published import may_sign, publish
from wallet import audit, services
from wallet.models import Checkpoint, Entry, LedgerCheck, Transfer, Wallet

pytestmark = pytest.mark.django_db
MONEY = [Wallet, Transfer, Entry, LedgerCheck, Checkpoint]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make_user("Staff", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def transfer() -> Transfer:
    return send(make_wallet(balance_minor=10_000, name="Ana Rao"), make_wallet(), 250, note="Tea")


def page(client: Client, model: type[Model], pk: int | None = None) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    url = reverse(f"{name}_change", args=[pk]) if pk else reverse(f"{name}_changelist")
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


class TestAdmin:
    @pytest.mark.parametrize("model", MONEY)
    def test_shows_money_and_offers_no_way_to_change_it(
        self,
        staff: Client,
        transfer: Transfer,
        model: type[Model],
        settings: Settings,
        tmp_path: Path,
    ) -> None:
        may_sign(settings, tmp_path)
        audit.run(clock=timezone.now)
        publish()
        row = model._default_manager.first()
        assert row is not None

        page(staff, model)
        text = page(staff, model, row.pk)

        assert 'name="_save"' not in text
        posted = staff.post(
            reverse(f"admin:wallet_{model._meta.model_name}_change", args=[row.pk]), {}
        )
        assert posted.status_code == 403
        assert staff.get(reverse(f"admin:wallet_{model._meta.model_name}_add")).status_code == 403

    def test_links_a_transfer_to_its_wallets_and_entries(
        self, staff: Client, transfer: Transfer
    ) -> None:
        text = page(staff, Transfer)

        assert reverse("admin:wallet_wallet_change", args=[transfer.source_id]) in text
        assert f"transfer__id__exact={transfer.pk}" in text

    @pytest.mark.parametrize("model", [Wallet, Transfer, Entry])
    def test_searches(self, staff: Client, transfer: Transfer, model: type[Model]) -> None:
        url = reverse(f"admin:wallet_{model._meta.model_name}_changelist")

        assert staff.get(url, {"q": "person"}).status_code == 200
        assert staff.get(url, {"q": str(transfer.public_id)}).status_code == 200

    def test_freezes_and_thaws_a_wallet_and_logs_who_did(self, staff: Client) -> None:
        wallet = make_wallet(balance_minor=500)
        url = reverse("admin:wallet_wallet_changelist")

        staff.post(url, {"action": "freeze", "_selected_action": [wallet.pk]})

        wallet.refresh_from_db()
        assert wallet.status == Wallet.Status.FROZEN
        staff.post(url, {"action": "thaw", "_selected_action": [wallet.pk]})
        wallet.refresh_from_db()
        assert (wallet.status, available(wallet)) == (Wallet.Status.ACTIVE, 500)

    def test_is_closed_to_people_and_strangers(self, client: Client) -> None:
        books = reverse("books")
        assert client.get(books).status_code == 302

        client.force_login(make_user())

        assert client.get(books, follow=True).status_code == 403

    def test_every_money_model_is_look_only(self) -> None:
        for model in MONEY:
            assert not admin.site.get_model_admin(model).has_delete_permission(None)  # type: ignore[arg-type]


class TestBooks:
    def test_show_that_settlement_and_customers_cancel_out(
        self, staff: Client, transfer: Transfer
    ) -> None:
        text = staff.get(reverse("books")).content.decode()

        assert "They cancel out." in text
        assert "₹100.00" in text
        assert f"{money.MINUS}₹100.00" in text
        assert "Never checked" in text

    def test_show_the_last_check_and_whether_it_agreed(self, staff: Client) -> None:
        audit.run(clock=timezone.now)
        assert "Agreed" in staff.get(reverse("books")).content.decode()

        later = timezone.now() + timedelta(hours=1)
        counts = {"wallets": 1, "transfers": 1, "entries": 2}
        LedgerCheck.objects.create(
            started_at=later, finished_at=later, ok=False, findings=["wallet 1: wrong"], **counts
        )

        assert "Did not agree" in staff.get(reverse("books")).content.decode()


def test_a_frozen_wallet_stays_frozen_for_the_next_payment() -> None:
    ana, ben = make_wallet(balance_minor=100), make_wallet()
    services.set_status(wallet_id=ana.pk, status=Wallet.Status.FROZEN)

    with pytest.raises(services.WalletFrozen):
        send(ana, ben, 1)
