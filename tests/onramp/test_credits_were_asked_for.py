"""Nobody is credited by a bank without an on-ramp that asked for it."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.factories import available, fund, make_wallet
from wallet import services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db(transaction=True)


def credit(wallet: Wallet) -> None:
    services.credit_from_bank(
        bank="Banyan Bank",
        wallet_id=wallet.pk,
        amount_minor=500,
        currency=wallet.currency,
        idempotency_key=uuid4(),
        note="",
        now=timezone.now(),
    )


class TestCreditWasAskedFor:
    def test_refuses_at_commit_a_credit_that_no_onramp_asked_for(self) -> None:
        ana = make_wallet()

        with pytest.raises(IntegrityError, match="asked for"), transaction.atomic():
            credit(ana)

        assert available(ana) == 0

    def test_is_what_refuses_it(self) -> None:
        ana = make_wallet()

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER transfer_was_asked_for ON wallet_transfer")
            credit(ana)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)

    def test_lets_a_settled_onramp_through(self) -> None:
        ana = make_wallet()

        fund(ana, 500)

        assert available(ana) == 500


def test_no_guard_can_be_fooled_by_a_temporary_table() -> None:
    """Each pins where it looks: a temporary wallet_transfer would be found before ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname ~ '^(onramp|wallet)_' AND prolang ="
            " (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')"
            " AND prosrc ~ 'FROM' AND proconfig IS NULL"
        )
        assert cursor.fetchall() == []
