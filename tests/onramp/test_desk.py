"""The staff's pages about breaks: what each may see and do, and what they are told."""

from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from onramp import services
from onramp.desk import reads
from onramp.models import Break
from tests.factories import make_user
from tests.onramp.cases import make_staff, missing_here, missing_there
from tests.onramp.pages import text
from tests.onramp.statements import LATER, line, reconcile

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

        assert "19 November 2026 csv 1 0 1 0 0 0 0 and 0 of ours" in said
        assert "Missing here Open ₹500.00 ₹0.00" in said

    @pytest.mark.parametrize("path", [BOARD, "/admin/books/"])
    def test_scrolls_wide_tables_in_their_own_boxes(self, path: str) -> None:
        missing_here()
        page = as_staff()[0].get(path).content.decode()

        assert "css/staff" in page
        assert page.count("<table") == page.count("module scrolls") > 0

    def test_names_days_as_other_pages_do(self) -> None:
        case = missing_here()
        said = see(as_staff()[0], url(case))

        assert "Happened 19 November 2026, 12:00 pm" in said
        assert "Statement 19 November 2026, csv" in said

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
