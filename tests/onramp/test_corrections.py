"""Putting right what a bank and the ledger disagree on: one proposes, another approves."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from onramp import services
from onramp.models import Break, Correction
from tests.factories import available, make_wallet, send
from tests.onramp.cases import approve, make_staff, missing_here, missing_there, propose, unknown
from tests.onramp.statements import LATER, NOON, line, listed, reconcile, settled, tell
from tests.onramp.support import start
from tests.threads import at_once, behind_us
from wallet import audit, selectors
from wallet import services as wallet_services
from wallet.models import Transfer, Wallet

pytestmark = pytest.mark.django_db


def wallet_of(case: Break) -> Wallet:
    assert case.wallet
    return case.wallet


def assert_books_agree() -> None:
    assert audit.run(clock=timezone.now).findings == []


class TestACorrection:
    def test_credits_what_the_bank_took(self) -> None:
        case = missing_here()

        correction = approve(propose(case))

        assert correction.transfer
        assert correction.transfer.kind == Transfer.Kind.CORRECTION
        assert available(wallet_of(case)) == 50_000
        assert_books_agree()

    def test_takes_back_what_the_bank_never_had(self) -> None:
        case = missing_there()

        approve(propose(case))

        assert available(wallet_of(case)) == 0
        assert_books_agree()

    def test_moves_the_difference_where_amounts_differ(self) -> None:
        onramp = settled()
        reconcile(listed(onramp, amount_minor=49_000))

        approve(propose(Break.objects.get(), 1_000))

        assert available(onramp.wallet) == 49_000

    def test_moves_nothing_before_a_second_person_approves(self) -> None:
        case = missing_here()

        propose(case)

        assert available(wallet_of(case)) == 0
        assert Transfer.objects.count() == 0

    def test_closes_the_break(self) -> None:
        case = missing_here()

        approve(propose(case))

        case.refresh_from_db()
        assert case.status == "corrected"

    def test_leaves_the_break_open_while_something_remains(self) -> None:
        case = missing_here()

        approve(propose(case, 20_000))

        case.refresh_from_db()
        assert (case.status, services.remaining_minor(break_id=case.pk)) == ("open", 30_000)
        approve(propose(case, 30_000))
        case.refresh_from_db()
        assert case.status == "corrected"

    def test_is_found_to_agree_by_the_next_reconciliation(self) -> None:
        onramp = start(now=NOON)
        tell(onramp, "failure")
        said = listed(onramp)
        reconcile(said)
        approve(propose(Break.objects.get()))

        statement = reconcile(said)

        assert (statement.matched, statement.missing_here) == (1, 0)
        assert set(Break.objects.values_list("status", flat=True)) == {"corrected"}

    def test_is_a_break_itself_when_the_bank_takes_its_line_back(self) -> None:
        case = missing_here()
        approve(propose(case))

        statement = reconcile()

        again = Break.objects.get(statement=statement, status="open")
        assert (again.kind, again.wallet) == ("missing_there", case.wallet)
        assert services.remaining_minor(break_id=again.pk) == -50_000
        approve(propose(again))
        assert available(wallet_of(case)) == 0
        assert_books_agree()

    def test_of_an_unknown_payment_says_whose_it_is(self) -> None:
        case, ana = unknown(), make_wallet()

        with pytest.raises(services.NotCorrectable, match="whose"):
            propose(case)
        approve(propose(case, wallet_id=ana.pk))

        assert available(ana) == 50_000

    def test_is_owed_to_a_frozen_wallet_and_taken_from_one(self) -> None:
        case = missing_there()
        frozen = Wallet.Status.FROZEN
        wallet_services.set_status(wallet_id=wallet_of(case).pk, status=frozen)

        approve(propose(case))

        assert available(wallet_of(case)) == 0

    def test_takes_no_more_than_is_available(self) -> None:
        case = missing_there()
        send(wallet_of(case), make_wallet(), 30_000)
        correction = propose(case)

        with pytest.raises(services.AmountRefused, match=r"Only ₹200\.00"):
            approve(correction)

        assert available(wallet_of(case)) == 20_000
        assert Correction.objects.get().is_proposed

    def test_is_shown_to_its_owner_in_words(self) -> None:
        case = missing_here()
        correction = approve(propose(case))

        rows = selectors.page(wallet_id=wallet_of(case).pk).rows
        [row] = [row for row in rows if row.status == "complete"]  # The on-ramp failed.

        assert correction.transfer
        assert row.uid == correction.transfer.public_id
        assert row.name == "Correction by NexaPay"
        assert (row.note, row.amount_minor) == ("Your payment of 19 November", 50_000)


class TestAProposal:
    def test_is_of_no_more_than_the_difference(self) -> None:
        case = missing_here()

        for amount_minor in (0, -1, 50_001):
            with pytest.raises(services.AmountRefused):
                propose(case, amount_minor)

    def test_is_one_at_a_time(self) -> None:
        case = missing_here()
        propose(case, 10)

        with pytest.raises(services.NotCorrectable, match="waits"):
            propose(case, 10)

    def test_is_not_for_a_wallet_of_the_maker_s(self) -> None:
        case = missing_here()

        with pytest.raises(services.NotCorrectable, match="your own"):
            propose(case, actor_id=wallet_of(case).owner_id)

    def test_is_not_for_what_is_listed_again(self) -> None:
        said = listed(settled())
        reconcile(said, said)

        with pytest.raises(services.NotCorrectable):
            propose(Break.objects.get())

    def test_is_not_for_another_currency(self) -> None:
        reconcile(listed(settled(), currency="USD"))

        with pytest.raises(services.NotCorrectable):
            propose(Break.objects.get())

    def test_is_not_against_a_bank_we_do_not_know(self) -> None:
        reconcile(line(bank="gb33bukb20201555555555"))

        with pytest.raises(services.NotCorrectable, match="bank's side"):
            propose(Break.objects.get(), wallet_id=make_wallet().pk)

    def test_may_be_declined_and_made_anew(self) -> None:
        case = missing_here()
        first = propose(case)
        services.decline_correction(
            public_id=first.public_id, text="Wrong day", actor_id=make_staff().pk, now=LATER
        )

        with pytest.raises(services.AlreadyDecided):
            approve(first)
        approve(propose(case))

        assert available(wallet_of(case)) == 50_000


class TestTheSecondPerson:
    def test_is_not_the_first(self) -> None:
        maker = make_staff()
        correction = propose(missing_here(), actor_id=maker.pk)

        with pytest.raises(services.NotTheSecond):
            approve(correction, by=maker)

    def test_is_not_the_wallet_s_owner(self) -> None:
        case = missing_here()
        owner = wallet_of(case).owner
        assert owner

        with pytest.raises(services.NotTheSecond):
            approve(propose(case), by=owner)

    def test_finds_a_break_that_was_cleared_meanwhile_closed(self) -> None:
        onramp = settled()
        reconcile()
        correction = propose(Break.objects.get())
        reconcile(listed(onramp))

        with pytest.raises(services.AlreadyDecided, match="cleared"):
            approve(correction)

        assert available(onramp.wallet) == 50_000


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_twelve_approvals_post_once(self) -> None:
        """Guard: the correction is locked and looked at again, and its key is the house's."""
        case = missing_here()
        correction = propose(case)
        approvers = [make_staff() for _ in range(12)]

        outcomes = at_once([partial(approve, correction, by) for by in approvers], workers=12)

        refused = [o for o in outcomes if isinstance(o, services.AlreadyDecided)]
        assert (len(refused), Transfer.objects.filter(kind="correction").count()) == (11, 1)
        assert available(wallet_of(case)) == 50_000
        assert_books_agree()

    def test_many_proposals_leave_one(self) -> None:
        """Guard: the break is locked before what else is proposed is looked for."""
        case = missing_here()
        makers = [make_staff().pk for _ in range(8)]

        outcomes = at_once([partial(propose, case, actor_id=m) for m in makers], workers=8)

        assert sum(isinstance(o, Correction) for o in outcomes) == 1
        assert sum(isinstance(o, services.NotCorrectable) for o in outcomes) == 7

    def test_an_approval_and_a_payment_of_the_same_money_never_go_below_zero(self) -> None:
        """Guard: what is available is read under the wallet's lock."""
        case, ben = missing_there(), make_wallet()
        correction = propose(case)

        payments = [partial(send, wallet_of(case), ben, 50_000)] * 3
        acts: list[Callable[[], object]] = [partial(approve, correction, make_staff()), *payments]
        outcomes = at_once(acts, workers=4)

        assert sum(not isinstance(o, Exception) for o in outcomes) == 1
        assert available(wallet_of(case)) == 0
        assert_books_agree()

    def test_an_approval_and_a_reconciliation_take_turns(self) -> None:
        """Guard: the break's row, which both lock before they judge it."""
        onramp = settled()
        reconcile()
        correction = propose(Break.objects.get())

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                reconcile(listed(onramp))
                waiting = behind_us(pool, partial(approve, correction, make_staff()))
            with pytest.raises(services.AlreadyDecided):
                waiting.result()

        assert available(onramp.wallet) == 50_000
