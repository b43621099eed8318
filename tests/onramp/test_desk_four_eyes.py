"""Two members of staff correct a break on the desk's pages, and its owner reads of it."""

from typing import cast

import pytest
from django.test import Client

from accounts.models import User
from nexapay.kernel.forms import KeyField
from onramp import services
from onramp.desk import reads
from onramp.models import Break, Correction
from tests.factories import available, make_user, make_wallet
from tests.onramp.cases import approve, make_staff, missing_here, missing_there, propose, unknown
from tests.onramp.pages import text
from tests.onramp.statements import LATER, listed, reconcile, settled
from tests.onramp.test_desk import APPROVE, CHANGE, PROPOSE, as_staff, do, proposal, see, url
from wallet.models import Transfer

pytestmark = pytest.mark.django_db


def two_breaks() -> tuple[Break, Break]:
    """Return two breaks of one statement, of one person's money each."""
    settled(), settled()
    reconcile()
    first, second = Break.objects.order_by("pk")
    return first, second


class TestFourEyes:
    def test_one_proposes_and_another_approves(self) -> None:
        case = missing_here()
        (maker, _), (second, _) = as_staff(PROPOSE), as_staff(APPROVE)

        assert proposal(maker, case).status_code == 303
        waiting = Correction.objects.get()
        assert do(second, case, "approve", correction=waiting.public_id).status_code == 303

        assert case.wallet
        assert available(case.wallet) == 50_000
        assert "Approved the correction" in see(second, url(case))

    def test_whoever_may_do_both_does_not_do_both(self) -> None:
        case = missing_here()
        client, me = as_staff(PROPOSE, APPROVE)
        proposal(client, case)
        waiting = Correction.objects.get()

        assert "Approve and post" not in client.get(url(case)).content.decode()
        answer = do(client, case, "approve", correction=waiting.public_id)

        assert (answer.status_code, "A second person must" in text(answer)) == (422, True)
        assert Transfer.objects.count() == 0
        assert me.pk == waiting.maker_id

    def test_a_superuser_does_not_do_both_either(self) -> None:
        case, client = missing_here(), Client()
        client.force_login(make_user(is_staff=True, is_superuser=True))
        proposal(client, case)

        do(client, case, "approve", correction=Correction.objects.get().public_id)

        assert Transfer.objects.count() == 0

    def test_the_maker_may_take_it_back(self) -> None:
        case = missing_here()
        client, _ = as_staff(PROPOSE)
        proposal(client, case)
        waiting = Correction.objects.get()

        answer = do(client, case, "decline", correction=waiting.public_id, text="Wrong amount")

        assert answer.status_code == 303
        assert Correction.objects.get().status == "declined"

    def test_what_was_on_the_page_is_what_is_approved(self) -> None:
        case = missing_here()
        first = propose(case, 10_000)
        services.decline_correction(
            public_id=first.public_id, text="No", actor_id=make_staff().pk, now=LATER
        )
        propose(case, 50_000)
        client, _ = as_staff(APPROVE)

        answer = do(client, case, "approve", correction=first.public_id)

        assert (answer.status_code, "declined already" in text(answer)) == (422, True)
        assert Transfer.objects.count() == 0

    @pytest.mark.parametrize("key", ["", "x", "\x00"])
    def test_an_odd_page_approves_nothing(self, key: str) -> None:
        case = missing_here()
        propose(case)
        client, _ = as_staff(APPROVE)

        answer = do(client, case, "approve", correction=key)

        assert (answer.status_code, KeyField.STALE in text(answer)) == (422, True)

    def test_a_correction_of_nothing_is_not_found(self) -> None:
        case = missing_here()
        client, _ = as_staff(APPROVE)

        key = "00000000-0000-4000-8000-000000000000"
        assert do(client, case, "approve", correction=key).status_code == 404

    @pytest.mark.parametrize("act", ["approve", "decline"])
    def test_a_correction_of_another_break_is_not_found(self, act: str) -> None:
        case, other = two_breaks()
        theirs = propose(other)
        propose(case)
        client, _ = as_staff(APPROVE)

        answer = do(client, case, act, correction=theirs.public_id, text="No")

        assert answer.status_code == 404
        theirs.refresh_from_db()
        assert theirs.status == "proposed"
        assert not Transfer.objects.filter(kind="correction").exists()

    def test_a_maker_does_not_decline_what_another_proposed_of_another_break(self) -> None:
        case, other = two_breaks()
        theirs = propose(other)
        client, _ = as_staff(PROPOSE)
        proposal(client, case)

        answer = do(client, case, "decline", correction=theirs.public_id, text="No")

        assert answer.status_code == 404
        assert Correction.objects.filter(status="proposed").count() == 2

    @pytest.mark.parametrize("amount", ["", "0", "500.01", "-1", "1e3", "\u0665"])
    def test_an_amount_that_cannot_be_is_refused_beside_its_field(self, amount: str) -> None:
        case = missing_here()
        client, _ = as_staff(PROPOSE)

        answer = proposal(client, case, amount=amount)

        assert (answer.status_code, "errorlist" in answer.content.decode()) == (422, True)
        assert Correction.objects.count() == 0

    def test_a_payment_of_nobody_s_is_given_to_somebody(self) -> None:
        case, ana = unknown(), make_wallet(handle="ana.rao")
        client, _ = as_staff(PROPOSE)

        assert proposal(client, case, to="@nobody.here").status_code == 422
        assert proposal(client, case).status_code == 422
        assert proposal(client, case, to="@ana.rao").status_code == 303

        assert Correction.objects.get().wallet == ana
        second, _ = as_staff(APPROVE)
        assert "₹500.00 to Person" in see(second, url(case))
        assert "(@ana.rao) , from the side of Banyan Bank" in see(second, url(case))

    def test_nothing_is_offered_where_no_amount_helps(self) -> None:
        said = listed(settled())
        reconcile(said, said)
        client, _ = as_staff(PROPOSE, CHANGE)
        page = client.get(url(Break.objects.get())).content.decode()

        assert "/propose/" not in page
        assert "/explain/" in page
        assert "₹0.00" not in page

    def test_nothing_is_said_to_be_posted_for_what_is_only_listed_again(self) -> None:
        said = listed(settled())
        reconcile(said, said)

        words = reads.in_a_line(Break.objects.get())
        assert "the bank lists ₹500.00 once more" in words
        assert "₹0.00" not in words


class TestTheOwner:
    def test_reads_why_in_their_history_and_receipt(self) -> None:
        case = missing_there()
        correction = approve(propose(case, 20_000))
        assert case.wallet
        client = Client()
        client.force_login(cast(User, case.wallet.owner))

        assert "Correction by NexaPay" in see(client, "/transactions/?kind=correction")
        assert correction.transfer
        receipt = see(client, f"/transactions/{correction.transfer.public_id}/")
        assert "Correction by NexaPay" in receipt
        assert "Your payment of 19 November" in receipt
        assert "from ₹500.00 to ₹300.00" in receipt
        assert ("Taken from your wallet" in receipt, "In your wallet" in receipt) == (True, False)
