"""What staff put right and what a bank says of it later never move the same money twice."""

import json

import pytest
from django.db import IntegrityError, transaction

from onramp import services
from onramp.models import BankEvent, Break, Correction, OffRampTransaction
from onramp.statements import Kind
from tests.factories import available, make_wallet
from tests.onramp.cases import approve, propose
from tests.onramp.statements import NOON, line, reconcile
from tests.onramp.support import codes, message, post, start
from tests.onramp.test_reconciling_payouts import booked, hear, sent
from tests.wallet.forge import sql

pytestmark = pytest.mark.django_db


def came_back_unheard() -> OffRampTransaction:
    """Return a withdrawal that came back, as the bank's statement says and no webhook said."""
    offramp = sent()
    hear(offramp)
    reconcile(booked(offramp), booked(offramp, Kind.RETURN))
    return offramp


class TestAReturn:
    def test_that_staff_put_right_is_not_brought_back_again(self) -> None:
        offramp = came_back_unheard()
        approve(propose(Break.objects.get(), 30_000))

        hear(offramp, "returned")

        assert available(offramp.wallet) == 100_000
        assert BankEvent.objects.order_by("-pk")[0].verdict == "contradiction"

    def test_that_came_meanwhile_is_not_put_right_again(self) -> None:
        offramp = came_back_unheard()
        proposed = propose(Break.objects.get(), 30_000)

        hear(offramp, "returned")

        with pytest.raises(services.CaseRefused, match="Reconcile the day again"):
            approve(proposed)
        assert available(offramp.wallet) == 100_000

    def test_cannot_be_proposed_for_correction_once_it_came(self) -> None:
        offramp = came_back_unheard()
        hear(offramp, "returned")

        with pytest.raises(services.CaseRefused, match="Reconcile the day again"):
            propose(Break.objects.get(), 30_000)

    def test_after_a_correction_is_refused_by_the_database(self) -> None:
        """Guard: offramp_comes_back_once, whatever a program thinks."""
        offramp = came_back_unheard()
        approve(propose(Break.objects.get(), 30_000))

        refused_by_database(
            "UPDATE onramp_offramptransaction SET status = 'returned' WHERE id = %s",
            offramp.pk,
            match="does not come back again",
        )

    def test_before_an_approval_makes_the_database_refuse_that(self) -> None:
        """Guard: correction_is_still_due, whatever a program thinks."""
        offramp = came_back_unheard()
        proposed = propose(Break.objects.get(), 30_000)
        hear(offramp, "returned")
        sql("DROP TRIGGER correction_is_approved_as_it_may ON onramp_correction")

        refused_by_database(
            "UPDATE onramp_correction SET status = 'approved' WHERE id = %s",
            proposed.pk,
            match="posted since",
        )


def refused_by_database(statement: str, pk: int, *, match: str) -> None:
    with pytest.raises(IntegrityError, match=match), transaction.atomic():
        sql(statement, pk)


class TestAPaymentOfNobody:
    """The bank took money without naming whose; staff find out, or the bank tells later."""

    def test_that_staff_gave_to_somebody_is_not_credited_when_the_bank_names_them(self) -> None:
        wallet = make_wallet()
        reconcile(line(token="", reference=""))
        approve(propose(Break.objects.get(), wallet_id=wallet.pk))
        onramp = start(wallet, 50_000, now=NOON)

        answer = post(message(onramp, bank_reference="BAN-0001"))

        assert codes([answer]) == [422]
        assert json.loads(answer.content)["error"] == "reference_taken"
        assert available(wallet) == 50_000

    def test_is_not_given_to_who_waits_for_such_a_payment(self) -> None:
        wallet = make_wallet()
        start(wallet, 50_000, now=NOON)
        reconcile(line(token="", reference=""))

        with pytest.raises(services.CaseRefused, match="They wait for such a payment"):
            propose(Break.objects.get(), wallet_id=wallet.pk)

    def test_is_not_given_once_they_have_come_to_wait(self) -> None:
        wallet = make_wallet()
        reconcile(line(token="", reference=""))
        proposed = propose(Break.objects.get(), wallet_id=wallet.pk)
        start(wallet, 50_000, now=NOON)

        with pytest.raises(services.CaseRefused, match="They wait for such a payment"):
            approve(proposed)


def test_one_subject_has_one_proposal_at_a_time() -> None:
    """A newer statement makes a second break of what the first one's proposal is about."""
    wallet_id = make_wallet().pk
    reconcile(line())
    propose(Break.objects.get(), wallet_id=wallet_id)
    reconcile(line(amount_minor=20_000))
    second = Break.objects.get(status="open")

    with pytest.raises(services.CaseRefused, match="waits to be approved"):
        propose(second, 20_000, wallet_id=wallet_id)
    assert Correction.objects.count() == 1
