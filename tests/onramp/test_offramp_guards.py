"""What the database refuses of withdrawals and accounts by itself: straight in SQL."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from onramp import services
from onramp.models import OffRampTransaction
from tests.factories import capture, fund, hold, make_wallet, release
from tests.onramp.offramps import account, submitted, withdraw, word
from tests.onramp.support import post, refuses
from wallet import services as wallet_services
from wallet.models import Transfer

pytestmark = pytest.mark.django_db
TABLE = "onramp_offramptransaction"


def in_status(status: str) -> OffRampTransaction:
    """Return a withdrawal that came there honestly."""
    if status in ("requested", "cancelled"):
        offramp = withdraw()
        if status == "cancelled":
            services.cancel_withdrawal(
                actor_id=offramp.wallet.owner_id or 0, offramp_id=offramp.pk, now=timezone.now()
            )
    else:
        offramp = submitted()
        if status != "submitted":
            post(word(offramp, status))
    offramp.refresh_from_db()
    assert offramp.status == status
    return offramp


def refuses_at_commit(act: Callable[[], object], *, says: str) -> None:
    """Show that the database takes an act only until COMMIT would judge it."""
    connection.check_constraints()
    with transaction.atomic():
        act()
        with pytest.raises(DatabaseError, match=says), transaction.atomic():
            connection.check_constraints()
        transaction.set_rollback(True)


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


ALL = [status.value for status in OffRampTransaction.Status]
MOVES = {
    *[("requested", "submitted"), ("requested", "cancelled"), ("submitted", "success")],
    *[("submitted", "failure"), ("success", "returned")],
}


class TestAWithdrawal:
    @pytest.mark.parametrize("before", ALL)
    def test_moves_only_along_its_steps(self, before: str) -> None:
        offramp = in_status(before)
        for now in ALL:
            if (before, now) not in MOVES:
                change = f"UPDATE {TABLE} SET status = %s WHERE id = %s"
                refuses(change, now, offramp.pk, says="from step to step")

    def test_begins_as_requested(self) -> None:
        columns = "public_id, token, wallet_id, account_id, bank, amount_minor, currency,"
        columns += " idempotency_key, hold_id, failure_reason, created_at, submits_at"
        fresh = columns.replace("public_id, token", "gen_random_uuid(), repeat('y', 43)", 1)
        refuses(
            f"INSERT INTO {TABLE} ({columns}, status, submitted_at)"
            f" SELECT {fresh}, 'submitted', now() FROM {TABLE} WHERE id = %s",
            withdraw().pk,
            says="begins as requested",
        )

    @pytest.mark.parametrize(
        "change",
        [
            "id = id + 1000",
            "public_id = gen_random_uuid()",
            "token = repeat('x', 43)",
            "wallet_id = wallet_id + 1",
            "account_id = account_id + 1",
            "bank = 'lotus'",
            "amount_minor = amount_minor + 1",
            "currency = 'USD'",
            "idempotency_key = gen_random_uuid()",
            "hold_id = hold_id + 1",
            "created_at = created_at - interval '1 hour'",
            "submits_at = submits_at + interval '1 hour'",
        ],
    )
    def test_keeps_its_terms_while_it_moves(self, change: str) -> None:
        refuses(
            f"UPDATE {TABLE} SET status = 'submitted', submitted_at = now(), {change}"
            " WHERE id = %s",
            withdraw().pk,
            says="terms never change",
        )

    @pytest.mark.parametrize(
        "change", ["transfer_id = return_transfer_id", "bank_reference = 'Z'", "settled_at = now()"]
    )
    def test_keeps_what_happened_when_it_is_returned(self, change: str) -> None:
        offramp = in_status("success")
        other = fund(offramp.wallet, 5).pk
        refuses(
            f"UPDATE {TABLE} SET status = 'returned', returned_at = now(), failure_reason = 'x',"
            f" return_transfer_id = %s, {change.replace('return_transfer_id', str(other))}"
            " WHERE id = %s",
            *(other, offramp.pk),
            says="keeps what happened",
        )

    @pytest.mark.parametrize(
        ("before", "change"),
        [
            ("requested", "status = 'submitted'"),
            ("submitted", "status = 'success', settled_at = now(), bank_reference = 'X'"),
            ("submitted", "status = 'failure', settled_at = now()"),
            ("submitted", "status = 'failure', failure_reason = 'x'"),
            ("requested", "status = 'cancelled'"),
            ("success", "status = 'returned', returned_at = now(), failure_reason = 'x'"),
        ],
    )
    def test_says_what_its_status_needs(self, before: str, change: str) -> None:
        refuses(
            f"UPDATE {TABLE} SET {change} WHERE id = %s",
            in_status(before).pk,
            says="offramp_(status_fits|submitted_before)",
        )

    def test_is_paid_by_its_own_payout(self) -> None:
        offramp = in_status("submitted")
        credit = fund(offramp.wallet, offramp.amount_minor)
        refuses(
            f"UPDATE {TABLE} SET status = 'success', transfer_id = %s, settled_at = now(),"
            " bank_reference = 'X' WHERE id = %s",
            *(credit.pk, offramp.pk),
            says="not the payout or the return",
        )

    def test_is_brought_back_by_its_own_return(self) -> None:
        offramp = in_status("success")
        credit = fund(offramp.wallet, offramp.amount_minor)
        refuses(
            f"UPDATE {TABLE} SET status = 'returned', return_transfer_id = %s, returned_at = now(),"
            " failure_reason = 'x' WHERE id = %s",
            *(credit.pk, offramp.pk),
            says="not the payout or the return",
        )

    @pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
    def test_stays(self, statement: str) -> None:
        offramp = in_status("cancelled")
        connection.check_constraints()

        refuses(statement.format(TABLE), says="is kept|append-only|is refused")
        assert OffRampTransaction.objects.filter(pk=offramp.pk).exists()


def insertion(row: dict[str, str]) -> str:
    return (
        f"INSERT INTO {TABLE} (public_id, token, idempotency_key, status, failure_reason,"
        f" currency, created_at, submits_at, {', '.join(row)}) SELECT gen_random_uuid(),"
        " repeat('y', 43), gen_random_uuid(), 'requested', '', 'INR', now(), now(),"
        f" {', '.join(row.values())}"
    )


class TestItsHold:
    @pytest.mark.parametrize(
        "other",
        [
            "hold_id = (SELECT max(id) FROM wallet_hold)",
            "hold_id = (SELECT id FROM wallet_hold WHERE expires_at IS NOT NULL)",
            "account_id = (SELECT max(id) FROM onramp_bankaccount)",
            "account_id = (SELECT id FROM onramp_bankaccount WHERE removed_at IS NOT NULL)",
            "bank = 'lotus'",
            "amount_minor = 29999",
        ],
    )
    def test_and_its_account_are_its_own(self, other: str) -> None:
        """A row that would be honest, but for one thing that is not its own."""
        ana, ben = make_wallet(balance_minor=90_000), make_wallet(balance_minor=50_000)
        gone = account(ana, number="500100200000")
        services.remove_account(owner_id=gone.owner_id, account_id=gone.pk, now=timezone.now())
        now = timezone.now()
        hold(ana, 30_000, now=now, expires_at=now + timedelta(hours=1))
        honest = {
            "wallet_id": str(ana.pk),
            "account_id": str(account(ana).pk),
            "bank": "'banyan'",
            "amount_minor": "30000",
            "hold_id": str(hold(ana, 30_000).pk),
        }
        hold(ben, 30_000)
        account(ben)
        column, _, value = other.partition(" = ")

        refuses(insertion(honest | {column: value}), says="not that of this withdrawal")

        sql(insertion(honest))

    def test_is_not_released_while_the_bank_may_be_paying(self) -> None:
        """Nor by our own service, whoever calls it."""
        offramp = in_status("submitted")

        refuses_at_commit(lambda: release(offramp.hold), says="do not say the same")

    def test_is_not_captured_before_the_bank_says_so(self) -> None:
        offramp = in_status("submitted")

        refuses_at_commit(lambda: capture(offramp.hold), says="do not say the same|no withdrawal")

    @pytest.mark.parametrize(
        ("before", "change"),
        [
            ("requested", "status = 'cancelled', settled_at = now()"),
            ("submitted", "status = 'failure', settled_at = now(), failure_reason = 'x'"),
        ],
    )
    def test_is_released_when_it_ends(self, before: str, change: str) -> None:
        offramp = in_status(before)
        refuses_at_commit(
            lambda: sql(f"UPDATE {TABLE} SET {change} WHERE id = {offramp.pk}"),
            says="do not say the same",
        )

    def test_s_money_leaves_only_for_a_withdrawal(self) -> None:
        held = hold(make_wallet(balance_minor=500), 300)

        refuses_at_commit(lambda: capture(held), says="no withdrawal asked for")

    def test_s_money_comes_back_only_to_a_withdrawal(self) -> None:
        wallet = make_wallet()
        give_back = partial(
            wallet_services.credit_from_bank,
            bank="Banyan Bank",
            wallet_id=wallet.pk,
            amount_minor=5,
            currency="INR",
            idempotency_key=wallet.public_id,
            note="",
            now=timezone.now(),
            kind=Transfer.Kind.RETURN,
        )

        refuses_at_commit(give_back, says="no withdrawal asked for")


class TestAnAccount:
    @pytest.mark.parametrize(
        "change",
        [
            "id = id + 1000",
            "public_id = gen_random_uuid()",
            "owner_id = owner_id + 1",
            "bank = 'lotus'",
            "holder = 'Somebody Else'",
            "number = '999999999'",
            "added_at = added_at - interval '1 day'",
        ],
    )
    def test_keeps_what_it_says(self, change: str) -> None:
        refuses(
            f"UPDATE onramp_bankaccount SET {change} WHERE id = %s",
            account(make_wallet()).pk,
            says="says what it said",
        )

    def test_is_removed_once(self) -> None:
        mine = account(make_wallet())
        services.remove_account(owner_id=mine.owner_id, account_id=mine.pk, now=timezone.now())

        for change in ("NULL", "now()"):
            refuses(
                f"UPDATE onramp_bankaccount SET removed_at = {change} WHERE id = %s",
                mine.pk,
                says="removed once",
            )

    def test_stays(self) -> None:
        account(make_wallet())

        refuses("DELETE FROM onramp_bankaccount", says="remove an account instead")
