"""What the database refuses of an on-ramp by itself: hostile statements, straight in SQL."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from onramp import services
from onramp.models import OnRampTransaction
from tests.factories import fund, make_wallet, send
from tests.onramp.support import message, post, refuses, start
from tests.wallet.support import without_onramps
from wallet.models import Transfer, Wallet
from wallet.services import credit_from_bank

pytestmark = pytest.mark.django_db
TABLE = "onramp_onramptransaction"


def settle(onramp: OnRampTransaction, transfer_id: int | None, *, says: str) -> None:
    refuses(
        f"UPDATE {TABLE} SET status = 'success', transfer_id = %s, settled_at = now(),"
        " bank_reference = 'X' WHERE id = %s",
        *(transfer_id, onramp.pk),
        says=says,
    )


def credit(wallet: Wallet, amount_minor: int) -> Transfer:
    """Credit what no on-ramp asked for."""
    without_onramps()
    return credit_from_bank(
        bank="Banyan Bank",
        wallet_id=wallet.pk,
        amount_minor=amount_minor,
        currency=wallet.currency,
        idempotency_key=uuid4(),
        note="",
        now=timezone.now(),
    )


def succeeded() -> OnRampTransaction:
    onramp = start()
    post(message(onramp))
    onramp.refresh_from_db()
    return onramp


def failed() -> OnRampTransaction:
    onramp = start()
    post(message(onramp, "failure"))
    return onramp


class TestAnOnRamp:
    @pytest.mark.parametrize("status", ["processing", "success"])
    def test_never_leaves_failure(self, status: str) -> None:
        refuses(
            f"UPDATE {TABLE} SET status = %s, failure_reason = '', settled_at = NULL,"
            " bank_reference = NULL WHERE id = %s",
            *(status, failed().pk),
            says="moves once",
        )

    @pytest.mark.parametrize("status", ["processing", "failure"])
    def test_never_leaves_success(self, status: str) -> None:
        refuses(
            f"UPDATE {TABLE} SET status = %s, transfer_id = NULL WHERE id = %s",
            *(status, succeeded().pk),
            says="moves once",
        )

    def test_is_not_settled_a_second_time(self) -> None:
        onramp = succeeded()
        other = fund(onramp.wallet, onramp.amount_minor)
        refuses(
            f"UPDATE {TABLE} SET transfer_id = %s WHERE id = %s",
            *(other.pk, onramp.pk),
            says="moves once",
        )

    def test_has_no_other_status(self) -> None:
        refuses(
            f"UPDATE {TABLE} SET status = 'refunded' WHERE id = %s",
            start().pk,
            says="moves once",
        )

    @pytest.mark.parametrize(
        "change",
        [
            "token = repeat('x', 43)",
            "amount_minor = amount_minor + 1",
            "currency = 'USD'",
            "bank = 'lotus'",
            "public_id = gen_random_uuid()",
            "idempotency_key = gen_random_uuid()",
            "created_at = created_at - interval '1 hour'",
            "expires_at = expires_at + interval '1 hour'",
            "id = id + 1000",
        ],
    )
    def test_keeps_its_terms(self, change: str) -> None:
        refuses(f"UPDATE {TABLE} SET {change} WHERE id = %s", start().pk, says="terms")

    def test_keeps_its_terms_while_it_settles(self) -> None:
        refuses(
            f"UPDATE {TABLE} SET status = 'failure', failure_reason = 'x', settled_at = now(),"
            " amount_minor = 1 WHERE id = %s",
            start().pk,
            says="terms",
        )

    def test_keeps_its_wallet(self) -> None:
        refuses(
            f"UPDATE {TABLE} SET wallet_id = %s WHERE id = %s",
            *(make_wallet().pk, start().pk),
            says="terms",
        )

    def test_does_not_succeed_without_a_transfer(self) -> None:
        settle(start(), None, says="onramp_status_fits_its_facts")

    def test_does_not_succeed_with_a_transfer_that_is_not_there(self) -> None:
        settle(start(), 2**62, says="not the credit")

    def test_does_not_succeed_with_another_amount(self) -> None:
        onramp = start(amount_minor=50_000)

        settle(onramp, credit(onramp.wallet, 50_001).pk, says="not the credit")

    def test_does_not_succeed_with_another_wallets_credit(self) -> None:
        settle(start(), credit(make_wallet(), 50_000).pk, says="not the credit")

    def test_does_not_succeed_with_a_payment_between_people(self) -> None:
        onramp = start()
        payer = make_wallet(balance_minor=50_000)

        settle(onramp, send(payer, onramp.wallet, 50_000).pk, says="not the credit")

    def test_does_not_share_its_transfer(self) -> None:
        first = succeeded()

        settle(start(first.wallet), first.transfer_id, says="onramp_onramptransaction_transfer_id")

    def test_has_a_transfer_only_if_it_succeeded(self) -> None:
        onramp = start()
        refuses(
            f"UPDATE {TABLE} SET status = 'failure', failure_reason = 'x', settled_at = now(),"
            " transfer_id = %s WHERE id = %s",
            *(fund(onramp.wallet, 50_000).pk, onramp.pk),
            says="onramp_status_fits_its_facts",
        )

    @pytest.mark.parametrize("status", ["success", "failure"])
    def test_begins_as_processing(self, status: str) -> None:
        with pytest.raises(IntegrityError, match="begins as processing"):
            insert(status=status, failure_reason="x", settled_at=timezone.now())

    def test_has_one_row_for_each_token(self) -> None:
        with pytest.raises(IntegrityError, match="token"):
            insert(token=start().token)

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"amount_minor": 0}, "onramp_amount_positive"),
            ({"amount_minor": -1}, "onramp_amount_positive"),
            ({"token": "t" * 42}, "onramp_token_form"),
            ({"token": "t" * 42 + "/"}, "onramp_token_form"),
            ({"token": "t" * 42 + "\n"}, "onramp_token_form"),
            ({"currency": "USD"}, "onramp_wallet_currency"),
            ({"expires_at": timezone.now() - timedelta(days=9)}, "onramp_expires_after_creation"),
        ],
    )
    def test_has_sane_terms(self, fields: dict[str, Any], says: str) -> None:
        with pytest.raises(IntegrityError, match=says):
            insert(**fields)

    def test_asks_once_for_each_key_of_a_wallet(self) -> None:
        first = start()
        with pytest.raises(IntegrityError, match="onramp_key_once_per_wallet"):
            insert(wallet=first.wallet, idempotency_key=first.idempotency_key)

    @pytest.mark.parametrize("sql", [f"DELETE FROM {TABLE}", f"TRUNCATE {TABLE} CASCADE"])
    def test_stays(self, sql: str) -> None:
        start()
        connection.check_constraints()  # Else TRUNCATE stumbles over what is still deferred.
        refuses(sql, says="is refused")


def insert(**fields: Any) -> None:
    now = timezone.now()
    row = {
        "token": uuid4().hex * 2,
        "wallet": fields.get("wallet") or make_wallet(),
        "amount_minor": 5,
        "currency": "INR",
        "bank": "banyan",
        "idempotency_key": uuid4(),
        "created_at": now,
        "expires_at": now + timedelta(hours=1),
    }
    with transaction.atomic():
        OnRampTransaction.objects.create(**row | fields)


class TestTheServicesAgree:
    def test_expiry_is_a_move_the_database_takes(self) -> None:
        onramp = start(now=timezone.now() - timedelta(days=1))

        assert services.expire_onramp(onramp_id=onramp.pk, now=timezone.now())

        onramp.refresh_from_db()
        assert (onramp.status, onramp.failure_reason) == ("failure", "expired")
