"""The staff's pages about breaks: what each may see and do, and what they are told."""

from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from nexapay.kernel.forms import KeyField
from onramp import services
from onramp.desk import reads
from onramp.models import Break, Correction
from tests.factories import available, make_user, make_wallet
from tests.onramp.cases import approve, make_staff, missing_here, missing_there, propose, unknown
from tests.onramp.pages import text
from tests.onramp.statements import LATER, line, listed, reconcile, settled
from wallet.models import Transfer

pytestmark = pytest.mark.django_db
BOARD = "/admin/reconciliation/"
LOOK, CHANGE = "view_break", "change_break"
PROPOSE, APPROVE = "propose_correction", "approve_correction"


def as_staff(*permissions: str) -> tuple[Client, User]:
    user, client = make_staff(LOOK, *permissions), Client()
    client.force_login(user)
    return client, user


def url(case: Break, act: str = "") -> str:
    return f"{BOARD}{case.public_id}/{act}{'/' if act else ''}"


def see(client: Client, path: str) -> str:
    """Return the page's words."""
    return text(cast(HttpResponse, client.get(path)))


def do(client: Client, case: Break, act: str, **data: Any) -> HttpResponse:
    return cast(HttpResponse, client.post(url(case, act), data))


def proposal(client: Client, case: Break, **changes: str) -> HttpResponse:
    return do(client, case, "propose", **{"amount": "500", "reason": "Your payment"} | changes)


class TestTheBoard:
    def test_shows_statements_with_their_figures_and_open_breaks(self) -> None:
        missing_here()
        client, _ = as_staff()

        said = see(client, BOARD)

        assert "2026-11-19 csv 1 0 1 0 0 0 0 and 0 of ours" in said
        assert "Missing here Open ₹500.00 ₹0.00" in said

    def test_says_which_statement_another_superseded(self) -> None:
        reconcile(line())
        reconcile()
        client, _ = as_staff()

        assert "Superseded" in see(client, BOARD)

    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("status=open", True),
            ("status=", True),
            ("status=corrected", False),
            ("kind=missing_here", True),
            ("kind=differs", False),
            ("mine=on", False),
        ],
    )
    def test_filters(self, query: str, *, shown: bool) -> None:
        case = missing_here()
        client, _ = as_staff()

        assert (reads.name_of(case) in see(client, f"{BOARD}?{query}")) is shown

    def test_shows_what_is_mine(self) -> None:
        case = missing_here()
        client, me = as_staff()
        services.assign_break(break_id=case.pk, assignee_id=me.pk, actor_id=me.pk, now=LATER)

        assert reads.name_of(case) in see(client, f"{BOARD}?mine=on")

    def test_goes_on_page_by_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reads, "PAGE_SIZE", 2)
        reconcile(*[line(bank_reference=f"S-{n}") for n in range(3)])
        client, _ = as_staff()

        first = client.get(f"{BOARD}?status=open").content.decode()
        *_, second, last = Break.objects.order_by("-pk")

        assert f'href="?status=open&amp;before={second.pk}"' in first
        assert reads.name_of(last) not in first
        assert reads.name_of(last) in see(client, f"{BOARD}?status=open&before={second.pk}")

    @pytest.mark.parametrize("query", ["status=x", "kind=%00", "before=-1", f"before={'9' * 30}"])
    def test_refuses_a_filter_that_cannot_be(self, query: str) -> None:
        client, _ = as_staff()

        assert client.get(f"{BOARD}?{query}").status_code == 422

    def test_is_named_on_the_books_page(self) -> None:
        missing_here()
        client, _ = as_staff()

        said = see(client, "/admin/books/")

        assert "Open breaks with banks" in said
        assert "Somebody must look at each." in said


class TestWhoMaySee:
    @pytest.mark.parametrize("path", ["", "case"])
    def test_is_staff_with_the_permission(self, path: str) -> None:
        case = missing_here()
        address = url(case) if path else BOARD
        client, nobody, person = Client(), make_staff(), make_user()

        assert client.get(address).status_code == 302
        client.force_login(person)
        assert client.get(address, follow=True).status_code == 403
        client.force_login(nobody)
        assert client.get(address).status_code == 403

    @pytest.mark.parametrize("act", ["assign", "note", "explain", "propose", "approve", "decline"])
    def test_may_do_nothing_without_more(self, act: str) -> None:
        case = missing_here()
        client, _ = as_staff()

        assert do(client, case, act, text="x", amount="5", reason="x").status_code == 403
        assert f"/{act}/" not in client.get(url(case)).content.decode()

    def test_finds_no_other_break_and_no_other_act(self) -> None:
        case = missing_here()
        client, _ = as_staff(CHANGE)

        assert client.get(f"{BOARD}{case.subject}/").status_code == 404
        assert client.get(url(case, "note")).status_code == 404
        assert client.post(url(case)).status_code == 404
        assert client.post(url(case, "delete")).status_code == 404


class TestABreak:
    def test_is_told_with_both_sides(self) -> None:
        case = missing_there()
        client, _ = as_staff()

        said = see(client, url(case))

        assert "The bank says ₹0.00 We posted ₹500.00" in said
        assert "NexaPay Found" in said

    def test_is_assigned_noted_and_closed(self) -> None:
        case = missing_here()
        client, me = as_staff(CHANGE)

        for act, data in {
            "assign": {"assignee": str(me.pk)},
            "note": {"text": "Asked Banyan Bank"},
            "explain": {"text": "They reversed it"},
        }.items():
            assert do(client, case, act, **data).status_code == 303

        case.refresh_from_db()
        assert (case.status, case.assignee) == ("explained", me)
        said = see(client, url(case))
        assert "Asked Banyan Bank" in said
        assert "They reversed it" in said

    @pytest.mark.parametrize("typed", ["", " ", "x" * 1_001])
    def test_takes_words_that_can_be_read(self, typed: str) -> None:
        case = missing_here()
        client, _ = as_staff(CHANGE)

        assert do(client, case, "note", text=typed).status_code == 422

    def test_escapes_what_was_typed(self) -> None:
        case = missing_here()
        client, _ = as_staff(CHANGE)
        do(client, case, "note", text="<b>bold</b>")

        assert "&lt;b&gt;bold" in client.get(url(case)).content.decode()

    @pytest.mark.parametrize("assignee", ["0", "x", "9" * 30])
    def test_is_assigned_to_somebody_there_is(self, assignee: str) -> None:
        client, _ = as_staff(CHANGE)

        assert do(client, missing_here(), "assign", assignee=assignee).status_code == 422


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
