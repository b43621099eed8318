"""The list of all movements: order, filters, pages, and what it says when there is nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import fund, make_wallet, send
from tests.wallet.pages import HOSTILE, ananya, kabir, sign_in
from wallet import activity

pytestmark = pytest.mark.django_db
URL = "/transactions/"
HTMX = {"HX-Request": "true"}
NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # Noon in India.
ABOUT_NOW = time_machine.travel(NOON + timedelta(hours=6), tick=False)


def _text(response: Any) -> str:
    text: str = response.content.decode()
    return text


def _notes(response: Any) -> list[str]:
    return [row.note for day in response.context["days"] for row in day.rows]


class TestHistory:
    def test_groups_movements_by_the_day_here_newest_first(self) -> None:
        ana, ben = ananya(balance_minor=0), kabir()
        fund(ana, 5_000, at=NOON - timedelta(days=1))
        # Half past eleven in the evening and half past midnight in India are one day in UTC.
        send(ana, ben, 100, note="Before midnight", at=NOON + timedelta(hours=-12, minutes=-30))
        send(ana, ben, 100, note="After midnight", at=NOON + timedelta(hours=-11, minutes=-30))

        with ABOUT_NOW:
            page = _text(sign_in(ana).get(URL))

        order = ["Today, Fri 20 Nov", "After m", "Yesterday, Thu 19 Nov", "Before m", "Banyan Bank"]
        places = [page.index(text) for text in order]
        assert places == sorted(places)

    def test_signs_amounts_and_colours_what_has_arrived(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 12_345)

        payer, payee = _text(sign_in(ana).get(URL)), _text(sign_in(ben).get(URL))

        assert "\N{MINUS SIGN}₹123.45" in payer
        assert "+₹123.45" in payee
        assert '<data class="pv num in" value="123.45">' in payee

    def test_shows_the_balance_after_each_movement(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 12_345)

        page = _text(sign_in(ana).get(URL))

        assert page.index("₹876.55") < page.index("₹1,000.00")

    def test_links_each_movement_to_its_receipt(self) -> None:
        ana, ben = ananya(), kabir()
        transfer = send(ana, ben, 100)

        assert f'href="/transactions/{transfer.public_id}/"' in _text(sign_in(ana).get(URL))

    def test_shows_nobody_elses_movements(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100, note="Between two")

        assert "Between two" not in _text(sign_in(make_wallet()).get(URL))

    def test_shows_hostile_notes_as_text(self) -> None:
        ana, ben = ananya(), kabir()
        send(ana, ben, 100, note="</bdi><script>alert(1)</script> \U0001f600 שלום")

        page = _text(sign_in(ben).get(URL))

        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; \U0001f600 שלום" in page

    def test_tells_a_newcomer_what_will_be_here(self) -> None:
        page = _text(sign_in(ananya(balance_minor=0)).get(URL))

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


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "notes"),
        [
            ("", ["in", "out", "old", "Added"]),
            ("?direction=in", ["in", "Added"]),
            ("?direction=out", ["out", "old"]),
            ("?kind=send", ["in", "out", "old"]),
            ("?kind=onramp", ["Added"]),
            ("?status=complete", ["in", "out", "old", "Added"]),
            ("?status=failed", []),
            ("?q=OUT", ["out"]),
            ("?q=meera", ["in"]),
            ("?q=@kabir", ["out", "old"]),
            ("?q=ananya", []),
            ("?q=%25", []),
            ("?from=2026-11-20", ["in", "out"]),
            ("?to=2026-11-19", ["old", "Added"]),
            ("?from=2026-11-19&to=2026-11-19", ["old"]),
            ("?from=2026-11-19&direction=out&q=kab", ["out", "old"]),
        ],
    )
    def test_show_what_they_say(self, query: str, notes: list[str]) -> None:
        ana, ben = ananya(balance_minor=0), kabir()
        meera = make_wallet(name="Meera Iyer")
        fund(ana, 5_000, at=NOON - timedelta(days=3))
        fund(meera, 5_000, at=NOON - timedelta(days=3))
        send(ana, ben, 100, note="old", at=NOON - timedelta(days=1))
        send(ana, ben, 100, note="out", at=NOON)
        send(meera, ana, 100, note="in", at=NOON + timedelta(minutes=1))

        assert _notes(sign_in(ana).get(f"{URL}{query}")) == notes

    def test_find_a_reference(self) -> None:
        ana, ben = ananya(), kabir()
        transfer = send(ana, ben, 100, note="this")
        send(ana, ben, 100, note="that")
        digits = transfer.public_id.hex[:12].upper()
        reference = f"NXP-{digits[:4]}-{digits[4:8]}-{digits[8:]}"

        assert _notes(sign_in(ana).get(URL, {"q": reference})) == ["this"]

    def test_stay_in_the_form_and_are_named_when_nothing_is_found(self) -> None:
        page = _text(
            sign_in(ananya()).get(URL, {"q": "zzz", "status": "failed", "from": "2026-11-01"})
        )

        assert 'value="zzz"' in page
        assert '<option value="failed" selected>' in page
        assert 'value="2026-11-01"' in page
        assert "There is no activity for failed, “zzz”, from 1 Nov" in page
        assert "Clear filters" in page

    def test_answer_htmx_with_the_results_alone(self) -> None:
        response = sign_in(ananya()).get(URL, {"direction": "in"}, headers=HTMX)

        page = _text(response)
        assert 'id="results"' in page
        assert "1 shown" in page
        assert "<html" not in page
        assert 'id="filters"' not in page
        assert "HX-Request" in response["Vary"]

    def test_answer_a_page_of_the_browsers_history_whole(self) -> None:
        headers = HTMX | {"HX-History-Restore-Request": "true"}

        assert "<html" in _text(sign_in(ananya()).get(URL, headers=headers))

    @pytest.mark.parametrize(
        ("field", "typed", "sentence"),
        [
            ("direction", "sideways", "Choose a direction from the list."),
            ("kind", "SEND", "Choose a type from the list."),
            ("status", "1e9", "Choose a status from the list."),
            ("from", "20-11-2026", "Enter a day like 2026-11-20."),
            ("from", "2026-13-01", "That day is not in the calendar."),
            ("to", "9999-12-31", "Enter a day from 2000-01-01 to 2100-12-31."),
            ("from", "0001-01-01", "Enter a day from 2000-01-01 to 2100-12-31."),
            ("q", "x" * 81, "Use 80 characters or fewer."),
            ("q", "a\x00b", "hidden characters"),
        ],
    )
    def test_say_what_is_wrong_and_leave_the_page_usable(
        self, field: str, typed: str, sentence: str
    ) -> None:
        response = sign_in(ananya()).get(URL, {field: typed})

        page = _text(response)
        assert response.status_code == 422
        assert "<title>Error: " in page
        assert sentence in page[page.index(f'id="id_{field}-e"') :]
        assert 'id="filters"' in page
        assert "Clear filters" in page

    def test_say_when_the_last_day_is_before_the_first(self) -> None:
        response = sign_in(ananya()).get(URL, {"from": "2026-11-02", "to": "2026-11-01"})

        assert response.status_code == 422
        assert "The last day is before the first." in _text(response)

    @pytest.mark.parametrize("field", ["q", "direction", "kind", "status", "from", "to", "cursor"])
    def test_take_hostile_text_without_harm(self, field: str) -> None:
        client = sign_in(ananya())

        for name, typed in HOSTILE.items():
            for headers in ({}, HTMX):
                response = client.get(URL, {field: typed}, headers=headers)
                expected = {"q": {200, 422}, "cursor": {404}}.get(field, {422})
                assert response.status_code in expected, name

    def test_read_the_last_of_repeated_ones(self) -> None:
        response = sign_in(ananya()).get(f"{URL}?direction=out&direction=in")

        assert _notes(response) == ["Added"]


class TestMore:
    def test_continues_where_the_page_ended_until_the_end(self) -> None:
        client, seen, url = _forty_five_movements(), [], URL

        while True:
            response = client.get(url)
            seen += _notes(response)
            if not response.context["next_url"]:
                break
            url = URL + response.context["next_url"]

        assert seen == [*(f"n{number}" for number in range(44)), "Added"]

    def test_swaps_in_rows_without_repeating_the_days_heading(self) -> None:
        client = _forty_five_movements()
        first = client.get(URL)
        url = URL + first.context["next_url"]

        rows, page = _text(client.get(url, headers=HTMX)), _text(client.get(url))

        assert "<html" not in rows
        assert rows.count("Fri 20 Nov") == 0
        assert rows.count("Thu 19 Nov</h2>") == 1
        restored = _text(client.get(url, headers=HTMX | {"HX-History-Restore-Request": "true"}))
        assert page.count("Fri 20 Nov</h2>") == restored.count("Fri 20 Nov</h2>") == 1

    def test_keeps_the_filters(self) -> None:
        client = _forty_five_movements()

        response = client.get(URL, {"direction": "out", "q": "kabir"})

        page = _text(response)
        assert "?direction=out&amp;q=kabir&amp;cursor=" in page
        assert _notes(client.get(URL + response.context["next_url"]))[0] == "n20"

    def test_says_so_at_the_end(self) -> None:
        client = _forty_five_movements()
        second = client.get(URL + client.get(URL).context["next_url"])

        last = _text(client.get(URL + second.context["next_url"]))

        assert "That is all." in last
        assert "Show more" not in last

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_does_not_know_a_cursor_that_we_did_not_give(self, headers: dict[str, str]) -> None:
        client = sign_in(ananya())

        for cursor in ("x", "MTIz", "MS4x=", "a" * 3_000, "\x00", "é"):
            assert client.get(URL, {"cursor": cursor}, headers=headers).status_code == 404


class TestSlowSearch:
    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_asks_for_fewer_days(
        self, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
    ) -> None:
        client = sign_in(ananya())
        monkeypatch.setattr(activity, "_SOURCES", [_cancelled])

        response = client.get(URL, {"q": "tea"}, headers=headers)

        assert response.status_code == 422
        assert "That search took too long. Choose a first and a last day" in _text(response)

    def test_is_the_only_failure_of_the_database_that_it_hides(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = sign_in(ananya())
        monkeypatch.setattr(activity, "_SOURCES", [_gone])

        with pytest.raises(OperationalError):
            client.get(URL, {"q": "tea"})


def _cancelled(*_: object) -> list[activity.Row]:
    raise OperationalError from psycopg.errors.QueryCanceled()


def _gone(*_: object) -> list[activity.Row]:
    raise OperationalError from psycopg.OperationalError()


def _forty_five_movements() -> Client:
    """Return a client with 22 movements on each of two days, and one before: three pages."""
    ana, ben = ananya(balance_minor=0), kabir()
    fund(ana, 100_000, at=NOON - timedelta(days=9))
    for number in reversed(range(44)):
        at = NOON - timedelta(days=number // 22, minutes=number)
        send(ana, ben, 100, note=f"n{number}", at=at)
    return sign_in(ana)
