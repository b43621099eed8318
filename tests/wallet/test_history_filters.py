"""The filters of the history: what they show, what they refuse, and a search too slow."""

from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from django.db import OperationalError

from tests.factories import fund, make_wallet, send
from tests.wallet.histories import HTMX, NOON, URL, notes_of, text_of
from tests.wallet.pages import HOSTILE, ananya, kabir, sign_in
from wallet import activity

pytestmark = pytest.mark.django_db


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

        assert notes_of(sign_in(ana).get(f"{URL}{query}")) == notes

    def test_find_a_reference(self) -> None:
        ana, ben = ananya(), kabir()
        transfer = send(ana, ben, 100, note="this")
        send(ana, ben, 100, note="that")
        digits = transfer.public_id.hex[:12].upper()
        reference = f"NXP-{digits[:4]}-{digits[4:8]}-{digits[8:]}"

        assert notes_of(sign_in(ana).get(URL, {"q": reference})) == ["this"]

    def test_stay_in_the_form_and_are_named_when_nothing_is_found(self) -> None:
        page = text_of(
            sign_in(ananya()).get(URL, {"q": "zzz", "status": "failed", "from": "2026-11-01"})
        )

        assert 'value="zzz"' in page
        assert '<option value="failed" selected>' in page
        assert 'value="2026-11-01"' in page
        assert "There is no activity for failed, “zzz”, from 1 Nov" in page
        assert "Clear filters" in page

    def test_leave_nothing_in_the_form_of_who_comes_next(self) -> None:
        ana, ben = sign_in(ananya()), sign_in(kabir())
        before = ben.get(URL).content.decode().partition("<form")[2]

        assert "Secret" in ana.get(URL, {"q": "Secret", "direction": "in"}).content.decode()

        for query in ({}, {"q": "", "direction": "", "from": ""}):
            page = ben.get(URL, query).content.decode()
            filters = page.partition('id="filters"')[2].partition("</form>")[0]
            assert "Secret" not in page
            assert filters == before.partition('id="filters"')[2].partition("</form>")[0] != ""
            assert filters.count(" checked") == 1

    def test_answer_htmx_with_the_results_alone(self) -> None:
        response = sign_in(ananya()).get(URL, {"direction": "in"}, headers=HTMX)

        page = text_of(response)
        assert 'id="results"' in page
        assert "1 shown" in page
        assert "<html" not in page
        assert 'id="filters"' not in page
        assert "HX-Request" in response["Vary"]

    def test_answer_a_page_of_the_browsers_history_whole(self) -> None:
        headers = HTMX | {"HX-History-Restore-Request": "true"}

        assert "<html" in text_of(sign_in(ananya()).get(URL, headers=headers))

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

        page = text_of(response)
        assert response.status_code == 422
        assert "<title>Error: " in page
        assert sentence in page[page.index(f'id="id_{field}-e"') :]
        assert 'id="filters"' in page
        assert "Clear filters" in page

    def test_say_when_the_last_day_is_before_the_first(self) -> None:
        response = sign_in(ananya()).get(URL, {"from": "2026-11-02", "to": "2026-11-01"})

        assert response.status_code == 422
        assert "The last day is before the first." in text_of(response)

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

        assert notes_of(response) == ["Added"]


class TestSlowSearch:
    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_asks_for_fewer_days(
        self, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
    ) -> None:
        client = sign_in(ananya())
        monkeypatch.setattr(activity, "_SOURCES", [SimpleNamespace(search=_cancelled)])

        response = client.get(URL, {"q": "tea"}, headers=headers)

        assert response.status_code == 422
        assert "That search took too long. Choose a first and a last day" in text_of(response)

    def test_is_the_only_failure_of_the_database_that_it_hides(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = sign_in(ananya())
        monkeypatch.setattr(activity, "_SOURCES", [SimpleNamespace(search=_gone)])

        with pytest.raises(OperationalError):
            client.get(URL, {"q": "tea"})


def _cancelled(*_: object) -> None:
    raise OperationalError from psycopg.errors.QueryCanceled()


def _gone(*_: object) -> None:
    raise OperationalError from psycopg.OperationalError()
