"""Money out against the bank's statement: paid, returned, and what only one side knows of."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from onramp import services
from onramp.models import Break, OffRampTransaction
from onramp.statements import Kind, StatementLine
from tests.factories import available, make_wallet
from tests.onramp.cases import approve, propose
from tests.onramp.offramps import FakeBank, account, afresh, withdraw, word
from tests.onramp.statements import DAY, NOON, found, line, listed, reconcile, settled

pytestmark = pytest.mark.django_db
AFTER = DAY + timedelta(days=1)


def sent(at: datetime = NOON) -> OffRampTransaction:
    """Return a withdrawal of 300.00 that went to the bank shortly before that time."""
    wallet, asked_at = make_wallet(balance_minor=100_000), at - timedelta(minutes=10)
    offramp = withdraw(wallet, to=account(wallet, now=at - timedelta(days=9)), now=asked_at)
    services.submit_withdrawals(bank=FakeBank().as_bank(), now=offramp.submits_at)
    return offramp


def hear(
    offramp: OffRampTransaction, kind: str = "success", *, at: datetime = NOON, **data: Any
) -> None:
    body = json.dumps(word(offramp, kind, **data)).encode()
    event_id = f"evt_{uuid4().hex}"
    services.record_bank_event(bank="simbank", event_id=event_id, body=body, headers={}, now=at)


def booked(
    offramp: OffRampTransaction, kind: Kind = Kind.PAYOUT, at: datetime = NOON
) -> StatementLine:
    return line(
        bank_reference=f"PAY-{offramp.pk}",
        token=offramp.token,
        reference=offramp.reference,
        kind=kind,
        is_credit=kind == Kind.RETURN,
        amount_minor=offramp.amount_minor,
        booked_at=at,
    )


class TestAPayout:
    def test_agrees_when_both_have_it(self) -> None:
        offramp = sent()
        hear(offramp)

        assert (reconcile(booked(offramp)).matched, Break.objects.count()) == (1, 0)

    def test_that_we_posted_and_the_bank_does_not_list_is_missing_there(self) -> None:
        offramp = sent()
        hear(offramp)

        assert found(reconcile()) == [("missing_there", 0, -30_000)]
        assert Break.objects.get().offramp == offramp

    def test_that_the_bank_made_although_we_released_it_is_missing_here(self) -> None:
        offramp = sent()
        hear(offramp, "failure")
        reconcile(booked(offramp))

        case = Break.objects.get()
        assert (case.kind, case.difference_minor) == ("missing_here", -30_000)
        approve(propose(case, 30_000))
        assert available(offramp.wallet) == 70_000

    def test_waits_while_the_bank_may_still_settle_it(self) -> None:
        offramp = sent()

        assert reconcile(booked(offramp)).waiting == 1
        with pytest.raises(Break.DoesNotExist):
            Break.objects.get()

    def test_that_came_back_agrees_on_both_days(self) -> None:
        offramp, back = sent(), NOON + timedelta(days=1)
        hear(offramp)
        first = reconcile(booked(offramp))
        hear(offramp, "returned", at=back)
        second = reconcile(booked(offramp, Kind.RETURN, back), day=AFTER)

        assert (first.matched, second.matched, Break.objects.count()) == (1, 1, 0)
        assert reconcile(booked(offramp)).matched == 1
        assert afresh(offramp).status == "returned"

    def test_of_another_amount_is_a_break_although_it_is_still_with_the_bank(self) -> None:
        said = booked(sent())._replace(amount_minor=29_900)

        assert found(reconcile(said)) == [("differs", -29_900, 0)]

    def test_that_came_back_waits_for_the_day_of_its_return(self) -> None:
        offramp = sent()
        hear(offramp)
        hear(offramp, "returned", at=NOON + timedelta(days=1))

        assert reconcile(booked(offramp)).waiting == 1
        assert found(reconcile(day=AFTER)) == [("missing_here", -30_000, 0)]

    def test_is_known_by_our_reference_alone(self) -> None:
        offramp = sent()
        hear(offramp)
        said = booked(offramp)._replace(token="", bank_reference="X-1")

        assert reconcile(said).matched == 1

    def test_is_told_from_a_payment_in_of_the_same_reference_by_its_direction(self) -> None:
        onramp, offramp = settled(), sent()
        hear(offramp, bank_reference=f"BNY-{onramp.pk}")
        same: dict[str, Any] = {"token": "", "reference": "", "bank_reference": f"BNY-{onramp.pk}"}

        statement = reconcile(listed(onramp, **same), booked(offramp)._replace(**same))

        assert statement.matched == 2
