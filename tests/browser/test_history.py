"""The history: its filters live in the address, and more of it comes when asked for."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, expect

from tests.browser.visitor import Visitor
from tests.factories import fund, make_wallet, send

IN, OUT = 19, 3


@pytest.fixture
def nila(either: Visitor) -> Visitor:
    """Somebody with more than a page of movements."""
    wallet, kabir = make_wallet(name="Nila Sen"), make_wallet(name="Kabir Mehta")
    start = timezone.now() - timedelta(days=IN + OUT)
    for day in range(IN):
        fund(wallet, 100_00, at=start + timedelta(days=day))
    for day in range(IN, IN + OUT):
        send(wallet, kabir, 1_00, at=start + timedelta(days=day), note="Tea")
    either.arrive_with(wallet)
    either.go("/transactions/")
    return either


def rows(visitor: Visitor) -> Locator:
    return visitor.page.locator("#results .tx")


def choose(visitor: Visitor, direction: str) -> None:
    visitor.page.get_by_role("radio", name=direction, exact=True).check()
    if not visitor.has_scripts:
        visitor.press("Apply")


class TestFilters:
    def test_live_in_the_address_and_survive_every_way_back(self, nila: Visitor) -> None:
        out = nila.page.get_by_role("radio", name="Out", exact=True)
        whole = rows(nila).count()
        choose(nila, "Out")
        expect(rows(nila)).to_have_count(OUT)
        expect(nila.page).to_have_url(re.compile("direction=out"))

        nila.page.reload()
        expect(rows(nila)).to_have_count(OUT)
        expect(out).to_be_checked()

        rows(nila).first.click()
        nila.sees("What happened")
        nila.page.go_back()
        expect(rows(nila)).to_have_count(OUT)
        expect(out).to_be_checked()

        nila.page.go_back()
        expect(rows(nila)).to_have_count(whole)
        expect(out).not_to_be_checked()

    @pytest.mark.parametrize("either", ["with scripts"], indirect=True)
    def test_follow_what_one_types(self, nila: Visitor) -> None:
        nila.page.get_by_role("searchbox").press_sequentially("tea")
        expect(rows(nila)).to_have_count(OUT)
        expect(nila.page.locator("#results-n")).to_have_text(f"{OUT} shown")
        expect(nila.page.get_by_role("searchbox")).to_be_focused()


class TestShowMore:
    @pytest.mark.parametrize("either", ["with scripts"], indirect=True)
    def test_appends_to_what_is_shown(self, nila: Visitor) -> None:
        shown = rows(nila).count()
        assert shown < IN + OUT
        nila.follow("Show more")
        expect(rows(nila)).to_have_count(IN + OUT)
        nila.sees("That is all.")
        headings = nila.page.locator("#results .day").all_inner_texts()
        assert len(headings) == len(set(headings))

    @pytest.mark.parametrize("either", ["without scripts"], indirect=True)
    def test_leads_to_the_next_page_without_scripts(self, nila: Visitor) -> None:
        shown = rows(nila).count()
        nila.follow("Show more")
        expect(nila.page).to_have_url(re.compile("cursor="))
        expect(rows(nila)).to_have_count(IN + OUT - shown)
