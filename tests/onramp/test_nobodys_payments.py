"""A payment that the bank listed for nobody is one person's, however late it is known whose."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from onramp import services
from onramp.models import Break, OnRampTransaction
from tests.factories import available, make_wallet
from tests.onramp.cases import approve, propose
from tests.onramp.offramps import submitted
from tests.onramp.statements import LATER, NOON, line, reconcile
from tests.onramp.support import message, start
from tests.onramp.test_reconciling_payouts import hear, sent
from tests.threads import behind_us
from tests.wallet.forge import sql

pytestmark = pytest.mark.django_db
NOBODYS: dict[str, Any] = {"token": "", "reference": "", "amount_minor": 30_000}


def nobodys(**changes: Any) -> Break:
    reconcile(line(**NOBODYS | changes))
    return Break.objects.get(status="open", onramp=None, offramp=None)


def name(onramp: OnRampTransaction) -> services.Answer:
    """Let the bank say that the payment was for this on-ramp."""
    body = json.dumps(message(onramp, bank_reference="BAN-0001")).encode()
    return services.record_bank_event(
        bank="simbank", event_id="e1", body=body, headers={}, now=LATER
    )


def named_meanwhile() -> tuple[OnRampTransaction, Callable[[], object]]:
    """Return an on-ramp that a proposal was to give to somebody else, and how to approve that."""
    onramp = start(make_wallet(), 30_000, now=NOON)
    proposal = propose(nobodys(), 30_000, wallet_id=make_wallet().pk)
    assert name(onramp).status == 200
    return onramp, lambda: approve(proposal)


class TestOnceItWasCreditedToItsOwner:
    def test_it_is_not_given_to_somebody_else_as_was_proposed(self) -> None:
        onramp, go_on = named_meanwhile()

        with pytest.raises(services.CaseRefused, match="posted something for this since"):
            go_on()
        assert available(onramp.wallet) == 30_000

    def test_it_cannot_be_proposed_for_anybody(self) -> None:
        onramp, case = start(make_wallet(), 30_000, now=NOON), nobodys()
        name(onramp)

        with pytest.raises(services.CaseRefused, match="posted something for this since"):
            propose(case, 30_000, wallet_id=make_wallet().pk)

    def test_the_database_refuses_it_as_well(self) -> None:
        """Guard: correction_is_still_due, whatever a program thinks."""
        named_meanwhile()
        sql("DROP TRIGGER correction_is_approved_as_it_may ON onramp_correction")

        with (
            pytest.raises(IntegrityError, match="stands for a payment of ours"),
            transaction.atomic(),
        ):
            sql("UPDATE onramp_correction SET status = 'approved'")


class TestWhatMayBeTheirOwn:
    def test_is_not_taken_while_their_withdrawal_is_with_the_bank(self) -> None:
        offramp = submitted(make_wallet(balance_minor=100_000))

        with pytest.raises(services.CaseRefused, match="withdrawal of theirs is with the bank"):
            propose(nobodys(is_credit=False), 30_000, wallet_id=offramp.wallet_id)

    def test_is_not_given_when_their_withdrawal_came_back(self) -> None:
        offramp = sent()
        hear(offramp)
        hear(offramp, "returned")

        with pytest.raises(services.CaseRefused, match="withdrawal of theirs came back already"):
            propose(nobodys(bank=offramp.bank), 30_000, wallet_id=offramp.wallet_id)


@pytest.mark.django_db(transaction=True)
def test_the_banks_word_waits_for_whoever_decides_about_it() -> None:
    """Else each would miss what the other does, and both would post."""
    onramp, case = start(make_wallet(), 30_000, now=NOON), nobodys()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Break.objects.select_for_update(no_key=True).get(pk=case.pk)
            heard = behind_us(pool, lambda: name(onramp))
        assert heard.result().status == 200
