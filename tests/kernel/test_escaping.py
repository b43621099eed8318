"""Tags that write their own HTML escape whatever they are given, as format_html would."""

from datetime import timedelta
from html import escape

import pytest
from babel.numbers import UnknownCurrencyError
from django.utils.dateformat import format as spell
from django.utils.timezone import localtime

from nexapay.kernel import dates, tags
from tests.kernel.rendering import NOW, render

HOSTILE = ["<script>alert(1)</script>", "\"onload='x'", "a & b &amp; c", "'><svg/onload=x>"]

pytestmark = pytest.mark.usefixtures("at_a_known_time")


@pytest.mark.parametrize("text", HOSTILE)
class TestEveryValue:
    @pytest.mark.parametrize(
        "source",
        [
            '{% pmoney 5 "INR" "always" text %}',
            '{% icon "send" 20 text %}',
            '{% icon "send" text %}',
            '{% avatar "Kabir Mehta" text %}',
            "{% named text %}",
            "{% with name=text|add:' •••• 4821' %}{% named name %}{% endwith %}",
        ],
    )
    def test_is_escaped_where_it_stands(self, text: str, source: str) -> None:
        html = render(source, text=text)

        assert escape(text) in html
        assert text not in html

    def test_of_a_name_becomes_at_most_its_initials(self, text: str) -> None:
        html = tags.avatar(text)

        assert "<script" not in html
        assert "onload" not in html

    def test_of_a_currency_that_is_none_is_refused(self, text: str) -> None:
        for source in ("{% pmoney 5 text %}", "{% hero 5 text %}"):
            with pytest.raises(UnknownCurrencyError):
                render(source, text=text)


class TestTheSameTagTwice:
    def test_is_not_mistaken_for_another_of_the_same_name(self) -> None:
        assert tags.icon("send", 20, "a") != tags.icon("send", 20, "b") != tags.icon("send", 22)
        assert tags.avatar("Kabir", "a") != tags.avatar("Kabir", "b")


@pytest.mark.parametrize("hours", range(0, 9_000, 331))
def test_days_are_spelled_as_django_spells_them(hours: int) -> None:
    at = NOW - timedelta(hours=hours)
    local = localtime(at)

    assert dates.full(at) == spell(local, "j F Y, ") + dates.clock(at)
    assert dates.long(at) == spell(local, "l j F Y, ") + dates.clock(at)
    assert dates.month_day(local) == spell(local, "j F")
    year = "" if local.year == NOW.year else " Y"
    assert dates.short_day(local) == spell(local, f"j M{year}")
    assert dates.day_label(local).endswith(spell(local, f"D j M{year}"))
