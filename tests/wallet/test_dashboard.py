"""The first page after signing in."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.factories import fund, make_user, make_wallet, send
from tests.wallet.pages import ananya, kabir, owner, sign_in
from wallet import services
from wallet.models import Wallet

pytestmark = pytest.mark.django_db
URL = "/dashboard/"


def _page(client: Client) -> str:
    response = client.get(URL)
    assert response.status_code == 200
    return response.content.decode()


class TestDashboard:
    def test_sends_strangers_to_the_sign_in_page(self) -> None:
        response = Client().get(URL)

        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")

    def test_shows_what_there_is_to_spend(self) -> None:
        page = _page(sign_in(ananya(balance_minor=12_345_600)))

        assert "₹1,23,456<" in page
        assert "Locked" in page
        assert "₹1,23,456.00" in page

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("debit_frozen", "You cannot send money. You can still be paid"),
            ("frozen", "You can neither send money nor be paid."),
        ],
    )
    def test_says_that_the_wallet_is_frozen(self, status: str, words: str) -> None:
        ana = ananya()
        services.set_status(wallet_id=ana.pk, status=Wallet.Status(status))

        assert words in _page(sign_in(ana))

    def test_draws_the_line_of_thirty_days_once_there_is_a_past(self) -> None:
        ana = ananya(balance_minor=0)
        assert "spark" not in _page(sign_in(ana))
        fund(ana, 5_000, at=timezone.now() - timedelta(days=3))

        page = _page(sign_in(ana))

        assert 'class="spark"' in page
        assert "in 30 days" in page

    def test_shows_the_five_newest_movements_newest_first(self) -> None:
        ana, ben = ananya(), kabir()
        for number in range(6):
            send(ana, ben, 100, note=f"Note {number}")

        page = _page(sign_in(ana))

        assert [page.find(f"Note {number}") > 0 for number in range(6)] == [False] + [True] * 5
        assert page.index("Note 5") < page.index("Note 4") < page.index("Note 1")

    def test_offers_to_pay_people_again(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100)

        page = _page(sign_in(ana))

        assert "Send again" in page
        assert 'href="/send/?to=@kabir"' in page

    def test_shows_a_newcomer_the_first_steps_and_nothing_else(self) -> None:
        page = _page(sign_in(ananya(balance_minor=0)))

        assert "Welcome, " in page
        assert "Get set up" in page
        assert "1 of 3 done" in page
        assert "Nothing here yet" in page
        assert "Send again" not in page
        assert "Locked" not in page

    def test_counts_the_steps_that_are_done_and_then_drops_them(self) -> None:
        ana, ben = ananya(), kabir()
        assert "2 of 3 done" in _page(sign_in(ana))

        send(ana, ben, 100)

        assert "Get set up" not in _page(sign_in(ana))

    @pytest.mark.parametrize(
        ("hour", "greeting"),
        [(6, "Good morning"), (13, "Good afternoon"), (20, "Good evening"), (3, "Good evening")],
    )
    def test_greets_by_the_hour_here(self, hour: int, greeting: str) -> None:
        ana = ananya()
        at = datetime(2026, 11, 20, hour, tzinfo=ZoneInfo("Asia/Kolkata"))

        with time_machine.travel(at, tick=False):
            assert f"{greeting}, " in _page(sign_in(ana))

    def test_shows_hostile_names_and_notes_as_text(self) -> None:
        mallory = make_wallet(balance_minor=500, name="<script>alert(1)</script>")
        ana = ananya()
        send(mallory, ana, 100, note="<img src=x onerror=alert(2)> & “co”")

        page = _page(sign_in(ana))

        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;img src=x onerror=alert(2)&gt; &amp; “co”" in page

    def test_shows_nothing_of_other_people(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100, note="A secret between two")

        assert "A secret between two" not in _page(sign_in(make_wallet()))

    def test_tells_who_has_no_wallet_so(self) -> None:
        make_user()
        User.objects.bulk_create([User(handle="staffer", name="Staff", is_staff=True)])
        client = Client()
        client.force_login(User.objects.get(handle="staffer"))

        page = _page(client)

        assert "This account has no wallet" in page
        assert reverse("admin:index") in page
        assert client.get("/transactions/").status_code == 200
        assert client.post("/send/", {"to": "@kabir"}).status_code == 403

    def test_asks_the_database_at_most_six_times(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ana = ananya()
        for number in range(40):
            send(ana, make_wallet(name=f"Friend {number}"), 100)
        client = sign_in(ana)

        with django_assert_max_num_queries(6):
            client.get(URL)

    def test_runs_no_script_or_style_that_is_in_the_page(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100)
        client = sign_in(ana)

        for url in (URL, "/send/", "/send/?to=@kabir", "/transactions/"):
            page = client.get(url).content.decode()
            assert "style=" not in page
            assert "<script>" not in page
            assert " onclick=" not in page
            assert "hx-on" not in page

    def test_is_kept_by_nobody_and_varies_with_htmx(self) -> None:
        response = sign_in(ananya()).get(URL)

        assert "no-store" in response["Cache-Control"]
        assert "HX-Request" in response["Vary"]

    def test_takes_only_get(self) -> None:
        assert sign_in(ananya()).post(URL).status_code == 405

    def test_greets_by_first_name(self) -> None:
        ana = ananya()

        assert f"<bdi>{owner(ana).first_name}</bdi></h1>" in _page(sign_in(ana))
