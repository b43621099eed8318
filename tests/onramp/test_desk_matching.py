"""The staff's button that matches a day: what the command does, for who may change breaks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client

from onramp import banks
from onramp.models import Break, Statement
from tests.onramp.cases import make_staff
from tests.onramp.pages import text
from tests.onramp.statements import DAY, LATER, booked, settled

pytestmark = pytest.mark.django_db(transaction=True)
BOARD = "/admin/reconciliation/"


@pytest.fixture(autouse=True)
def _two_days_later() -> Iterator[None]:
    with time_machine.travel(LATER, tick=True):
        yield


def as_staff(*permissions: str) -> Client:
    client = Client()
    client.force_login(make_staff("view_break", *permissions))
    return client


def match(client: Client, day: object = DAY) -> str:
    """Press the button; return the words of the page that it leads to."""
    answer = client.post(f"{BOARD}match/", {"day": str(day)})
    assert (answer.status_code, answer["Location"]) == (303, BOARD)
    return text(cast(HttpResponse, client.get(BOARD)))


def test_matches_the_days_statement_and_says_how_many_agree(bank_api: str) -> None:
    booked(settled())

    said = match(as_staff("change_break"))

    assert "19 November 2026: 1 lines, 1 matched. The bank agrees." in said


def test_counts_the_breaks_that_it_opened(bank_api: str) -> None:
    settled()

    said = match(as_staff("change_break"))

    assert "19 November 2026: 0 lines, 0 matched. Open breaks: 1." in said
    assert Break.objects.get().kind == "missing_there"


def test_matches_again_what_was_matched_before(bank_api: str) -> None:
    client = as_staff("change_break")
    match(client)
    booked(settled())

    assert "1 lines, 1 matched. The bank agrees." in match(client)


def test_says_of_today_that_it_is_not_over(bank_api: str) -> None:
    assert "agrees so far" in match(as_staff("change_break"), LATER.date())


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (LATER.date() + timedelta(days=1), "the statement is of a day that has not begun."),
        ("", "Nothing was matched. Choose a day."),
        ("yesterday", "Nothing was matched. That is not a day."),
        ("1066-10-14", "Nothing was matched. That is not a day of ours."),
    ],
)
def test_says_why_a_day_cannot_be_matched(bank_api: str, day: object, why: str) -> None:
    assert why in match(as_staff("change_break"), day)
    assert not Statement.objects.exists()


def test_says_that_the_bank_is_silent() -> None:
    assert "19 November 2026: the bank gave no statement." in match(as_staff("change_break"))


def test_says_that_the_bank_publishes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    razorpay = banks.Razorpay(api_url="", key_id="", key_secret="", secrets=[], account="")
    monkeypatch.setattr(banks, "get_bank", lambda: razorpay)

    assert "Razorpay publishes no statement." in match(as_staff("change_break"))


class TestWhoOnlyLooks:
    def test_finds_no_button(self) -> None:
        assert "Match with" not in as_staff().get(BOARD).content.decode()
        assert "Match with" in as_staff("change_break").get(BOARD).content.decode()

    def test_is_refused(self) -> None:
        assert as_staff().post(f"{BOARD}match/", {"day": str(DAY)}).status_code == 403
        assert not Statement.objects.exists()

    def test_cannot_match_by_a_link(self) -> None:
        assert as_staff("change_break").get(f"{BOARD}match/").status_code == 405
