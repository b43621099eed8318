"""A return that the bank listed for nobody, and that staff gave away before the bank told of it."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from onramp import services
from onramp.banks import PayoutState
from onramp.models import BankEvent, Break, OffRampTransaction
from tests.factories import available, make_wallet
from tests.onramp.cases import approve, propose
from tests.onramp.offramps import FakeBank, afresh, problems, submitted, word
from tests.onramp.statements import LATER, line, reconcile

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
RETURN: dict[str, Any] = {"token": "", "reference": "", "bank_reference": "RET-77"}


def say(offramp: OffRampTransaction, kind: str, **data: Any) -> str:
    """Hear from the bank; return the verdict."""
    event_id, body = f"evt_{uuid4().hex}", json.dumps(word(offramp, kind, **data)).encode()
    services.record_bank_event(bank="simbank", event_id=event_id, body=body, headers={}, now=LATER)
    return BankEvent.objects.get(event_id=event_id).verdict


def paid() -> OffRampTransaction:
    """Return a withdrawal of 300.00 from 1,000.00 that the bank has paid."""
    offramp = submitted(make_wallet(balance_minor=100_000))
    say(offramp, "success")
    return afresh(offramp)


def given(offramp: OffRampTransaction, **changes: Any) -> None:
    """Correct the owner's wallet by the line that names nobody."""
    reconcile(line(**RETURN | {"kind": "return", "amount_minor": 30_000} | changes))
    case = Break.objects.get(status="open", onramp=None, offramp=None)
    approve(propose(case, 30_000, wallet_id=offramp.wallet_id))


def test_it_does_not_come_back_again() -> None:
    """Guard: what staff gave away for the bank's reference counts as brought back."""
    offramp = paid()
    given(offramp)

    verdict = say(offramp, "returned", bank_reference="RET-77")

    assert (verdict, afresh(offramp).status) == ("contradiction", "success")
    assert (available(offramp.wallet), problems()) == (100_000, [])


def test_nor_when_we_find_out_by_asking() -> None:
    offramp = paid()
    given(offramp)
    bank = FakeBank(PayoutState.RETURNED, facts={"bank_reference": "RET-77"})

    asked = services.ask_about_returns(bank=bank.as_bank(), now=LATER + 2 * HOUR)

    assert (asked, afresh(offramp).status, available(offramp.wallet)) == (1, "success", 100_000)


@pytest.mark.parametrize("changes", [{"bank_reference": "RET-78"}, {"bank": "harbour"}])
def test_it_comes_back_if_that_was_another_payment(changes: dict[str, Any]) -> None:
    offramp = paid()
    given(offramp, **changes)

    assert say(offramp, "returned", bank_reference="RET-77") == "returned"
    assert available(offramp.wallet) == 130_000


def test_it_comes_back_if_money_was_taken_under_that_reference() -> None:
    """Nothing stops a bank from giving a payment in and one out the same reference."""
    offramp = paid()
    given(offramp, is_credit=False, kind="payout")

    assert say(offramp, "returned", bank_reference="RET-77") == "returned"
    assert available(offramp.wallet) == 70_000


def test_it_comes_back_after_it_was_taken_back() -> None:
    offramp = paid()
    given(offramp)
    reconcile()  # The bank lists it no more.
    approve(propose(Break.objects.get(kind="missing_there", offramp=None), 30_000))

    assert say(offramp, "returned", bank_reference="RET-77") == "returned"
    assert available(offramp.wallet) == 100_000


def test_it_is_paid_out_if_the_news_of_that_was_lost() -> None:
    """Its hold ends, and what staff gave its owner is all that comes back."""
    offramp = submitted(make_wallet(balance_minor=100_000))
    given(offramp)

    assert say(offramp, "returned", bank_reference="RET-77") == "paid_out"
    assert (afresh(offramp).status, available(offramp.wallet)) == ("success", 100_000)
    assert (say(offramp, "returned", bank_reference="RET-77"), problems()) == ("contradiction", [])
