"""The database lets money be corrected only as two people agreed, and only while it is due."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from onramp.models import Break, Correction
from tests.factories import make_wallet
from tests.onramp.cases import approve, make_staff, missing_here, propose
from tests.onramp.statements import LATER, listed, reconcile, settled
from tests.onramp.support import refuses
from tests.onramp.test_correction_guards import (
    CORRECTION,
    execute,
    proposal,
    without,
)
from wallet import audit
from wallet import services as wallet_services

pytestmark = pytest.mark.django_db


def posted(correction: Correction, **changes: Any) -> int:
    """Post money for it, in the one transaction, and return the transfer's id."""
    terms: dict[str, Any] = {
        "correction_id": correction.public_id,
        "wallet_id": correction.wallet_id,
        "settlement_id": correction.settlement_id,
        "is_credit": correction.is_credit,
        "amount_minor": correction.amount_minor,
        "note": correction.reason,
        "now": LATER,
    }
    return wallet_services.correct(**terms | changes).pk


@pytest.fixture
def _unjudged() -> None:
    """Let money be posted here that nobody approves in the end."""
    execute("DROP TRIGGER transfer_was_asked_for ON wallet_transfer")


APPROVE = (
    f"UPDATE {CORRECTION} SET status = 'approved', decided_by_id = %s, decided_at = now(),"
    " transfer_id = %s WHERE id = %s"
)


@pytest.mark.usefixtures("_unjudged")
class TestApproving:
    def test_takes_two(self) -> None:
        """Guard: correction_takes_two."""
        made = propose(missing_here())
        transfer_id = posted(made)

        refuses(APPROVE, made.maker_id, transfer_id, made.pk, says="correction_takes_two")
        connection.check_constraints()  # Else there is still something to be checked at COMMIT.
        execute(f"ALTER TABLE {CORRECTION} DROP CONSTRAINT correction_takes_two")
        execute(APPROVE, made.maker_id, transfer_id, made.pk)

    @pytest.mark.parametrize(
        "changes",
        [{"amount_minor": 49_999}, {"correction_id": uuid4()}, {"is_credit": False}],
    )
    def test_posts_what_was_proposed(self, changes: dict[str, Any]) -> None:
        made = propose(missing_here(wallet=make_wallet(balance_minor=90_000)))
        by, transfer_id = make_staff().pk, posted(made, **changes)
        says = "the transfer is not what was proposed"

        refuses(APPROVE, by, transfer_id, made.pk, says=says)
        with without("onramp_approve_correction", says):
            execute(APPROVE, by, transfer_id, made.pk)

    def test_is_of_an_open_break(self) -> None:
        onramp = settled()
        reconcile()
        made = propose(Break.objects.get())
        reconcile(listed(onramp))
        by, transfer_id, says = (
            make_staff().pk,
            posted(made),
            "a break that is not open is corrected",
        )

        refuses(APPROVE, by, transfer_id, made.pk, says=says)
        with without("onramp_approve_correction", says):
            execute(APPROVE, by, transfer_id, made.pk)

    def test_is_not_for_money_of_one_s_own(self) -> None:
        made = propose(missing_here())
        transfer_id, says = posted(made), "nobody approves money of their own"

        refuses(APPROVE, made.wallet.owner_id, transfer_id, made.pk, says=says)
        with without("onramp_approve_correction", says):
            execute(APPROVE, made.wallet.owner_id, transfer_id, made.pk)

    def test_never_adds_up_to_more_than_the_difference(self) -> None:
        """Of two proposals for one subject, which only a weaker guard of proposing lets in."""
        case = missing_here()
        first = propose(case)
        with without("onramp_propose_correction", "a correction of more than the difference"):
            execute("DROP INDEX correction_proposed_once_for_a_break")
            second = proposal(case)
            second.save()
            says, by = "more than the difference is corrected", make_staff().pk
            execute(APPROVE, by, posted(first), first.pk)
            transfer_id = posted(second)

            refuses(APPROVE, by, transfer_id, second.pk, says=says)
            with without("onramp_approve_correction", says):
                execute(APPROVE, by, transfer_id, second.pk)

    def test_has_its_transfer(self) -> None:
        propose(missing_here())
        sql = f"UPDATE {CORRECTION} SET status = 'approved', decided_by_id = %s, decided_at = now()"

        refuses(sql, make_staff().pk, says="the transfer is not what was proposed")

    @pytest.mark.parametrize("status", ["proposed", "declined", "approved"])
    def test_is_done_once(self, status: str) -> None:
        approve(propose(missing_here()))
        execute(f"DROP TRIGGER correction_is_approved_as_it_may ON {CORRECTION}")

        refuses(f"UPDATE {CORRECTION} SET status = %s", status, says="it moves once")

    @pytest.mark.parametrize(
        "change",
        [
            "amount_minor = 1",
            "is_credit = NOT is_credit",
            "reason = 'Other'",
            "maker_id = maker_id + 1",
            "public_id = gen_random_uuid()",
            "wallet_id = wallet_id + 1",
            "settlement_id = settlement_id + 1",
            "currency = 'EUR'",
            "made_at = now()",
        ],
    )
    def test_changes_nothing_of_what_was_proposed(self, change: str) -> None:
        made = propose(missing_here())
        sql = (
            f"UPDATE {CORRECTION} SET {change}, status = 'declined', decided_by_id = %s,"
            " decided_at = now()"
        )

        refuses(sql, made.maker_id, says="what was proposed never changes")

    @pytest.mark.parametrize("sql", [f"DELETE FROM {CORRECTION}", f"TRUNCATE {CORRECTION} CASCADE"])
    def test_is_kept(self, sql: str) -> None:
        propose(missing_here())
        connection.check_constraints()

        refuses(sql, says="is refused")


@pytest.mark.django_db(transaction=True)
class TestMoney:
    def test_is_corrected_only_where_two_people_agreed(self) -> None:
        """Guard: transfer_was_asked_for, at COMMIT."""
        made = propose(missing_here())

        with pytest.raises(DatabaseError, match="no two people"), transaction.atomic():
            posted(made)

        with transaction.atomic():
            execute("DROP TRIGGER transfer_was_asked_for ON wallet_transfer")
            posted(made)
            execute("SET CONSTRAINTS ALL IMMEDIATE")
            [finding] = audit.run(clock=timezone.now).findings
            transaction.set_rollback(True)
        assert "no two people agreed on" in str(finding)


class TestCheckLedger:
    def test_compares_each_correction_with_what_was_agreed_on(self) -> None:
        """As if somebody had written past the triggers."""
        approve(propose(missing_here()))
        connection.check_constraints()
        execute(f"ALTER TABLE {CORRECTION} DISABLE TRIGGER USER")
        execute(f"UPDATE {CORRECTION} SET amount_minor = 49999")

        [finding] = audit.run(clock=timezone.now).findings

        assert "other terms than were agreed on" in str(finding)
