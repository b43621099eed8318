"""What the tags for movements write."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from nexapay.kernel import tags
from tests.kernel.rendering import EVIL, NOW, component, render

pytestmark = pytest.mark.usefixtures("at_a_known_time")


def movement(**changes: Any) -> Any:
    """Return what Kabir sent for a cab, but for the changes."""
    return SimpleNamespace(
        **{
            **{
                "url": "/t/1/",
                "uid": UUID(int=1),
                "name": "Kabir Mehta",
                "icon": "",
                "note": "Cab",
            },
            **{"is_person": True, "is_inside": False, "verb": "received from", "at": NOW},
            **{"currency": "INR", "amount_minor": 124_000, "balance_after_minor": 200_050},
            **{"status": "complete", **changes},
        }
    )


def row(**changes: Any) -> str:
    """Return its row, as lists show it."""
    return component("tx", rows=[movement(**changes)], time_form="clock", running=True)


class TestRow:
    def test_says_who_what_for_when_and_how_much(self) -> None:
        assert "".join(row().split("\n")) == (
            '<li><a class="tx" id="tx-00000000-0000-0000-0000-000000000001" href="/t/1/">'
            f"{tags.avatar('Kabir Mehta')}"
            '<span><span class="tx__n" title="Kabir Mehta"><bdi>Kabir Mehta</bdi></span> '
            '<span class="tx__m"><span class="sr">received from, </span><bdi>Cab</bdi> · '
            f"{tags.when(NOW, 'clock')}</span></span>"
            f'<span class="tx__a">{tags.pmoney(124_000, "INR", "always", "in")}'
            '<span class="tx__b"><span class="sr">Balance after: </span>'
            f"{tags.pmoney(200_050, 'INR')}</span></span></a></li>"
        )

    def test_is_green_only_when_the_money_has_arrived(self) -> None:
        assert "num in" in row()
        assert "num in" not in row(status="processing")
        assert "num in" not in row(amount_minor=-1)

    def test_has_no_sign_where_nothing_came_or_left(self) -> None:
        assert "+₹1,240.00" in row()
        assert "₹1,240.00" in row(is_inside=True)
        assert "+₹1,240.00" not in row(is_inside=True)

    def test_says_its_status_in_words_and_strikes_out_what_failed(self) -> None:
        assert "Processing" in row(status="processing")
        assert "Failed" in row(status="failed")
        assert "num void" in row(status="failed")
        assert "bdg" not in row()

    def test_says_what_was_left_only_in_a_running_list_and_where_that_is_known(self) -> None:
        assert "Balance after" in row()
        assert "Balance after" not in row(balance_after_minor=None)
        assert "Balance after" not in component("tx", rows=[movement()])
        assert "Balance after: " in row(balance_after_minor=0)

    def test_shows_an_icon_a_person_or_a_house(self) -> None:
        assert tags.icon("landmark") in row(icon="landmark")
        assert "av-sq" not in row()
        assert "av-sq" in row(is_person=False)

    def test_leaves_out_what_there_is_not(self) -> None:
        bare = row(verb="", note="")

        assert bare.count("<bdi>") == 1
        assert " · " not in bare

    @pytest.mark.parametrize("evil", [EVIL, "\"onload='x'", "'><svg/onload=x>"])
    @pytest.mark.parametrize("where", ["name", "note", "verb", "url"])
    def test_cannot_be_broken_by_what_it_is_given(self, evil: str, where: str) -> None:
        html = row(**{where: evil})

        assert evil not in html
        assert html.count("<li>") == 1


class TestBadge:
    @pytest.mark.parametrize(
        "status", ["complete", "processing", "failed", "returned", "cancelled", "locked"]
    )
    def test_is_an_icon_and_the_word(self, status: str) -> None:
        html = render("{% badge status %}", status=status)

        assert html.startswith('<span class="bdg')
        assert html.endswith(f"</svg>{status.capitalize()}</span>")

    def test_of_no_status_is_nothing(self) -> None:
        assert render("{% badge status %}", status=EVIL) == ""
