"""A payment that the bank booked with another amount: two of the staff end it for good."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Notice
from onramp import services
from onramp.models import Break, Correction, OffRampTransaction, OnRampTransaction
from tests.factories import available, make_wallet
from tests.onramp.cases import approve, propose
from tests.onramp.statements import NOON, listed, reconcile, tell
from tests.onramp.support import codes, message, post, start
from tests.onramp.test_desk import see
from tests.onramp.test_reconciling_payouts import booked, hear, sent
from tests.wallet.forge import sql

pytestmark = pytest.mark.django_db


def taken(amount_minor: int = 49_500) -> OnRampTransaction:
    """Return an on-ramp of 500.00 of which the bank took another amount, and the break of it."""
    onramp = start(make_wallet(), 50_000, now=NOON)
    reconcile(listed(onramp, amount_minor=amount_minor))
    return onramp


def put_right(minor: int = 49_500) -> None:
    approve(propose(Break.objects.get(), minor))


class TestAnOnRamp:
    def test_ends_when_two_of_the_staff_credit_what_the_bank_took(self) -> None:
        onramp = taken()

        put_right()

        onramp.refresh_from_db()
        assert (onramp.status, available(onramp.wallet)) == ("failure", 49_500)
        assert onramp.failure_reason == "the bank booked another amount"
        assert Break.objects.get().status == "corrected"

    def test_that_was_put_right_agrees_from_then_on(self) -> None:
        onramp = taken()
        put_right()

        again = reconcile(listed(onramp, amount_minor=49_500))

        assert (again.matched, Break.objects.get().status) == (1, "corrected")

    def test_that_was_put_right_in_part_stays_the_same_break(self) -> None:
        onramp = taken()
        put_right(40_000)

        reconcile(listed(onramp, amount_minor=49_500))

        case = Break.objects.get()
        assert (case.status, services.remaining_minor(break_id=case.pk)) == ("open", 9_500)

    @pytest.mark.parametrize(("minor", "code"), [(50_000, 409), (49_500, 422)])
    def test_that_was_put_right_is_not_credited_by_the_bank_s_later_word(
        self, minor: int, code: int
    ) -> None:
        onramp = taken()
        put_right()

        assert codes([post(message(onramp, amount_minor=minor))]) == [code]
        assert available(onramp.wallet) == 49_500

    def test_waits_for_a_second_person_as_it_is(self) -> None:
        onramp = taken()

        propose(Break.objects.get(), 49_500)

        onramp.refresh_from_db()
        assert (onramp.status, available(onramp.wallet)) == ("processing", 0)

    def test_that_the_bank_settles_meanwhile_is_not_put_right_as_well(self) -> None:
        onramp = taken()
        proposed = propose(Break.objects.get(), 49_500)
        tell(onramp)

        with pytest.raises(services.CaseRefused, match="Reconcile the day again"):
            approve(proposed)
        assert available(onramp.wallet) == 50_000

    def test_is_not_approved_past_the_services_while_it_is_open(self) -> None:
        """Guard: correction_is_still_due, whatever a program thinks."""
        taken()
        proposed = propose(Break.objects.get(), 49_500)

        refused(proposed, match="ended before it is corrected")

    def test_is_not_approved_past_the_services_once_it_was_credited(self) -> None:
        """Guard: correction_is_still_due, whatever a program thinks."""
        onramp = taken()
        proposed = propose(Break.objects.get(), 49_500)
        tell(onramp)

        refused(proposed, match="posted since")

    def test_tells_its_owner_once_and_says_what_became_of_it(self) -> None:
        onramp = taken()
        put_right()
        client = Client()
        assert onramp.wallet.owner
        client.force_login(onramp.wallet.owner)

        page = see(client, f"/add-money/{onramp.public_id}/")

        assert [*Notice.objects.values_list("kind", flat=True)] == ["corrected_up"]
        assert "booked another amount" in page
        assert "No money was taken" not in page
        assert "declined" not in page.lower()


def refused(proposed: Correction, *, match: str) -> None:
    sql("DROP TRIGGER correction_is_approved_as_it_may ON onramp_correction")
    with pytest.raises(IntegrityError, match=match), transaction.atomic():
        sql("UPDATE onramp_correction SET status = 'approved' WHERE id = %s", proposed.pk)


class TestAWithdrawal:
    def paid(self) -> OffRampTransaction:
        offramp = sent()
        reconcile(booked(offramp)._replace(amount_minor=29_900))
        return offramp

    def test_ends_when_two_of_the_staff_take_what_the_bank_paid(self) -> None:
        offramp = self.paid()

        put_right(29_900)

        offramp.refresh_from_db()
        assert (offramp.status, available(offramp.wallet)) == ("failure", 70_100)
        offramp.wallet.balance.refresh_from_db()
        assert offramp.wallet.balance.locked_minor == 0

    @pytest.mark.parametrize("kind", ["success", "returned"])
    def test_that_was_put_right_does_not_move_again(self, kind: str) -> None:
        offramp = self.paid()
        put_right(29_900)

        hear(offramp, kind)

        assert available(offramp.wallet) == 70_100

    def test_tells_its_owner_once_and_says_what_became_of_it(self) -> None:
        offramp = self.paid()
        put_right(29_900)
        client = Client()
        assert offramp.wallet.owner
        client.force_login(offramp.wallet.owner)

        page = see(client, f"/withdraw/{offramp.public_id}/")

        assert "withdraw_failed" not in Notice.objects.values_list("kind", flat=True)
        assert "Nothing left your wallet" not in page
        assert "booked another amount" in page
