"""The list of all movements: order, pages, and what it says when there is nothing."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import fund, make_wallet, send
from tests.wallet.histories import ABOUT_NOW, HTMX, NOON, URL, notes_of, text_of
from tests.wallet.pages import ananya, kabir, sign_in

pytestmark = pytest.mark.django_db


class TestHistory:
    def test_groups_movements_by_the_day_here_newest_first(self) -> None:
        ana, ben = ananya(balance_minor=0), kabir()
        fund(ana, 5_000, at=NOON - timedelta(days=1))
        # Half past eleven in the evening and half past midnight in India are one day in UTC.
        send(ana, ben, 100, note="Before midnight", at=NOON + timedelta(hours=-12, minutes=-30))
        send(ana, ben, 100, note="After midnight", at=NOON + timedelta(hours=-11, minutes=-30))

        with ABOUT_NOW:
            page = text_of(sign_in(ana).get(URL))

        order = ["Today, Fri 20 Nov", "After m", "Yesterday, Thu 19 Nov", "Before m", "Banyan Bank"]
        places = [page.index(text) for text in order]
        assert places == sorted(places)

    def test_signs_amounts_and_colours_what_has_arrived(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 12_345)

        payer, payee = text_of(sign_in(ana).get(URL)), text_of(sign_in(ben).get(URL))

        assert "\N{MINUS SIGN}₹123.45" in payer
        assert "+₹123.45" in payee
        assert '<data class="pv num in" value="123.45">' in payee

    def test_shows_the_balance_after_each_movement(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 12_345)

        page = text_of(sign_in(ana).get(URL))

        assert page.index("₹876.55") < page.index("₹1,000.00")

    def test_links_each_movement_to_its_receipt(self) -> None:
        ana, ben = ananya(), kabir()
        transfer = send(ana, ben, 100)

        assert f'href="/transactions/{transfer.public_id}/"' in text_of(sign_in(ana).get(URL))

    def test_shows_nobody_elses_movements(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100, note="Between two")

        assert "Between two" not in text_of(sign_in(make_wallet()).get(URL))

    def test_shows_hostile_notes_as_text(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100, note="</bdi><script>alert(1)</script> \U0001f600 שלום")

        page = text_of(sign_in(ben).get(URL))

        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; \U0001f600 שלום" in page

    def test_tells_a_newcomer_what_will_be_here(self) -> None:
        page = text_of(sign_in(ananya(balance_minor=0)).get(URL))

        assert "Nothing here yet" in page
        assert "Add money" in page

    def test_asks_the_database_at_most_six_times(
        self, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ana = ananya()
        for number in range(25):
            send(ana, make_wallet(name=f"Friend {number}"), 100)
        client = sign_in(ana)

        with django_assert_max_num_queries(6):
            client.get(URL, {"q": "friend", "direction": "out", "from": "2026-01-01"})


class TestMore:
    def test_continues_where_the_page_ended_until_the_end(self) -> None:
        client, seen, url = _forty_five_movements(), [], URL

        while True:
            response = client.get(url)
            seen += notes_of(response)
            if not response.context["next_url"]:
                break
            url = URL + response.context["next_url"]

        assert seen == [*(f"n{number}" for number in range(44)), "Added"]

    def test_swaps_in_rows_without_repeating_the_days_heading(self) -> None:
        client = _forty_five_movements()
        first = client.get(URL)
        url = URL + first.context["next_url"]

        rows, page = text_of(client.get(url, headers=HTMX)), text_of(client.get(url))

        assert "<html" not in rows
        assert rows.count("Fri 20 Nov") == 0
        assert rows.count("Thu 19 Nov</h2>") == 1
        restored = text_of(client.get(url, headers=HTMX | {"HX-History-Restore-Request": "true"}))
        assert page.count("Fri 20 Nov</h2>") == restored.count("Fri 20 Nov</h2>") == 1

    def test_keeps_the_filters(self) -> None:
        client = _forty_five_movements()

        response = client.get(URL, {"direction": "out", "q": "kabir"})

        page = text_of(response)
        assert "?direction=out&amp;q=kabir&amp;cursor=" in page
        assert notes_of(client.get(URL + response.context["next_url"]))[0] == "n20"

    def test_says_so_at_the_end(self) -> None:
        client = _forty_five_movements()
        second = client.get(URL + client.get(URL).context["next_url"])

        last = text_of(client.get(URL + second.context["next_url"]))

        assert "That is all." in last
        assert "Show more" not in last

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_does_not_know_a_cursor_that_we_did_not_give(self, headers: dict[str, str]) -> None:
        client = sign_in(ananya())

        for cursor in ("x", "MTIz", "MS4x=", "a" * 3_000, "\x00", "é"):
            assert client.get(URL, {"cursor": cursor}, headers=headers).status_code == 404


def _forty_five_movements() -> Client:
    """Return a client with 22 movements on each of two days, and one before: three pages."""
    ana, ben = ananya(balance_minor=0), kabir()
    fund(ana, 100_000, at=NOON - timedelta(days=9))
    for number in reversed(range(44)):
        at = NOON - timedelta(days=number // 22, minutes=number)
        send(ana, ben, 100, note=f"n{number}", at=at)
    return sign_in(ana)
