"""What templates can say without {% load %}."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import override_settings

from nexapay.kernel import charts, tags
from tests.kernel.rendering import EVIL, NOW, ROOT, render

pytestmark = pytest.mark.usefixtures("at_a_known_time")


class TestMoney:
    def test_is_in_the_currency_of_the_house_unless_told(self, settings: Any) -> None:
        settings.DEFAULT_CURRENCY = "INR"

        assert render("{{ 123450|money }}") == "₹1,234.50"
        assert render('{{ 500|money:"JPY" }} {{ 500|signed:"USD" }}') == "JP¥500 +$5.00"

    def test_carries_its_plain_value_and_can_be_hidden(self) -> None:
        html = render('{% pmoney -123450 "INR" "always" "void" %}')

        assert '<data class="pv num void" value="-1234.50">' in html
        assert "\N{MINUS SIGN}₹1,234.50" in html
        assert "amount hidden" in html

    def test_is_split_in_the_hero_and_whole_for_screen_readers(self) -> None:
        html = render('{% hero 4825075 "INR" private=False %}')

        assert '>₹48,250<span class="hero__p">.75</span>' in html
        assert '<span class="sr">₹48,250.75</span>' in html
        assert "pv-off" not in html

    def test_is_not_split_where_there_are_no_decimals(self) -> None:
        assert '>JP¥500<span class="hero__p"></span>' in render('{% hero 500 "JPY" %}')


class TestIcon:
    def test_is_drawn_inline_and_hidden_from_assistive_technology(self) -> None:
        html = render('{% icon "send" 22 "big" %}')

        assert html.startswith('<svg class="i big" width="22"')
        assert 'aria-hidden="true"' in html
        assert "<path" in html
        assert "<!--" not in html

    @pytest.mark.parametrize("name", ["../secret", "nothing-like-it"])
    def test_must_exist(self, name: str) -> None:
        with pytest.raises((ValueError, FileNotFoundError)):
            tags.icon(name)

    def test_exists_wherever_a_template_names_one(self) -> None:
        sources = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
        names = {name for text in sources for name in re.findall(r'{% icon "([^"]+)"', text)}

        assert names <= {path.stem for path in tags.ICONS.glob("*.svg")}


class TestAvatar:
    @pytest.mark.parametrize(
        ("name", "initials"),
        [("Kabir Mehta", "KM"), ("kabir", "K"), ("Ana de la Cruz", "AC"), ("שרה לוי", "של")],
    )
    def test_shows_initials(self, name: str, initials: str) -> None:
        assert f">{initials}</span>" in tags.avatar(name)

    @pytest.mark.parametrize("name", ["", "🦊🦊", "...", "\ud800"])
    def test_shows_a_figure_where_there_are_none(self, name: str) -> None:
        assert "<svg" in tags.avatar(name)

    def test_escapes_a_hostile_name(self) -> None:
        assert "<script" not in tags.avatar(EVIL)

    def test_keeps_its_tint(self) -> None:
        assert tags.avatar("Meera Iyer") == tags.avatar("Meera Iyer")


class TestSparkline:
    start = date(2026, 11, 18)

    def series(self, *amounts: int) -> list[tuple[date, int]]:
        return [(self.start + timedelta(days=at), minor) for at, minor in enumerate(amounts)]

    @pytest.mark.parametrize("amounts", [(0,), (500,), (0, 0, 0), (7, 7), (1, 2), (5, 0, 10**15)])
    def test_draws_any_balance(self, amounts: tuple[int, ...]) -> None:
        html = tags.sparkline(self.series(*amounts), "INR")

        assert 'role="img"' in html
        assert "nan" not in html
        assert "style=" not in html

    def test_draws_nothing_for_nobody(self) -> None:
        assert tags.sparkline([], "INR") == ""

    def test_stays_inside_its_frame(self) -> None:
        path = charts.line(self.series(900, 0, 100_000, 5), label="", uid="x")
        heights = [float(y) for y in re.findall(r"[MC ][\d.]+ ([\d.]+)", path.split("spark__l")[1])]

        assert all(0 <= y <= charts.HEIGHT for y in heights)

    def test_says_in_words_what_it_shows(self) -> None:
        assert charts.balance_sentence(self.series(10_000, 5_000, 20_000), "INR") == (
            "Your balance over 2 days. Up ₹100.00. It was ₹100.00 on 18 November, "
            "lowest at ₹50.00 on 19 November, highest at ₹200.00 on 20 November, "
            "and is ₹200.00 today, with money locked for payments included."
        )
        assert charts.balance_sentence(self.series(500, 500), "INR") == (
            "Your balance has been ₹5.00 since 18 November."
        )

    def test_tells_the_change_and_the_days(self) -> None:
        assert render("{{ s|change }} {{ s|daycount }}", s=self.series(10, 3, 4)) == "-6 2"
        assert render("{{ s|change }} {{ s|daycount }}", s=[]) == "0 0"


class TestWhen:
    @pytest.mark.parametrize(
        ("ago", "words"),
        [
            (timedelta(0), "6:42 pm"),
            (timedelta(hours=18, minutes=40), "12:02 am"),
            (timedelta(hours=18, minutes=43), "Yesterday"),
            (timedelta(days=6), "14 Nov"),
            (timedelta(days=371), "14 Nov 2025"),
        ],
    )
    def test_says_no_more_than_is_needed(self, ago: timedelta, words: str) -> None:
        assert tags.when(NOW - ago).endswith(f">{words}</time>")

    def test_is_a_time_element_with_the_whole_of_it(self) -> None:
        assert tags.when(NOW) == (
            '<time datetime="2026-11-20T18:42:09+00:00" title="20 November 2026, 6:42 pm">'
            "6:42 pm</time>"
        )

    def test_speaks_local_time(self) -> None:
        with override_settings(TIME_ZONE="Asia/Kolkata"):
            assert ">12:12 am</time>" in tags.when(NOW)

    def test_has_a_long_form_and_a_clock(self) -> None:
        assert ">Friday 20 November 2026, 6:42 pm<" in tags.when(NOW, "long")
        assert ">6:42 pm<" in tags.when(NOW - timedelta(days=9), "clock")
        assert tags.when(None) == ""

    def test_names_the_days_of_a_list(self) -> None:
        days = [NOW.date(), NOW - timedelta(days=1), date(2026, 11, 18), date(2025, 11, 18)]

        assert [tags.daylabel(day) for day in days] == [
            *("Today, Fri 20 Nov", "Yesterday, Thu 19 Nov", "Wed 18 Nov", "Tue 18 Nov 2025")
        ]


class TestCurrent:
    def test_marks_the_page_we_are_on(self) -> None:
        source = (
            '<a{% current here "wallet:history" "wallet:receipt" %}><b{% current here "home" %}>'
        )

        assert render(source, here="wallet:history") == '<a aria-current="page"><b>'
        assert render(source) == "<a><b>"
