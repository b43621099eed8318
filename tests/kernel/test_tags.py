"""What templates can say without {% load %}."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django import forms
from django.template import Context, Template, TemplateSyntaxError
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from nexapay.kernel import charts, context, tags
from nexapay.kernel.forms import MoneyField

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 18, 42, 9, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


def render(source: str, **values: Any) -> str:
    return Template(source).render(Context(values))


def component(name: str, **values: Any) -> str:
    return render_to_string(f"components/{name}.html", values)


@pytest.fixture(autouse=True)
def _at_a_known_time() -> Any:
    with time_machine.travel(NOW, tick=False), timezone.override("UTC"):
        yield


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


class Note(forms.Form):
    note = forms.CharField(required=False)


class TestControl:
    @pytest.mark.parametrize("name", sorted(tags.BOOLEAN))
    def test_writes_a_boolean_attribute_bare_whatever_is_true_of_it(self, name: str) -> None:
        html = render(f"{{% control field {name}=value %}}", field=Note()["note"], value={"a": 1})

        assert re.search(rf" {name}[ >]", html)
        assert "=" not in html.partition(f" {name}")[2][:1]

    @pytest.mark.parametrize("value", [None, False, "", 0, {}])
    def test_leaves_a_boolean_attribute_out_that_is_not_so(self, value: object) -> None:
        html = render("{% control field autofocus=value %}", field=Note()["note"], value=value)

        assert "autofocus" not in html


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
        with timezone.override("Asia/Kolkata"):
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


class AmountForm(forms.Form):
    amount = MoneyField(currency="INR", label="Amount", help_text="No fee.")
    password = forms.CharField(widget=forms.PasswordInput, required=False)


class TestFieldComponents:
    def test_tie_the_input_to_its_hint_and_its_error(self) -> None:
        form = AmountForm({"amount": EVIL})

        html = component("field", field=form["amount"])

        assert 'aria-describedby="id_amount-e id_amount-h"' in html
        assert 'aria-invalid="true"' in html
        assert '<div id="id_amount-e">' in html
        assert 'id="id_amount-h">No fee.' in html
        assert "<script" not in html

    def test_are_quiet_when_nothing_is_wrong(self) -> None:
        html = component("field", field=AmountForm()["amount"])

        assert "aria-invalid" not in html
        assert "id_amount-e" not in html

    def test_let_a_password_be_shown(self) -> None:
        html = component("field", field=AmountForm()["password"], password=True)

        assert 'data-reveal="#id_password"' in html
        assert ">Optional<" in html

    def test_offer_amounts_that_fill(self) -> None:
        form = AmountForm(initial={"amount": 50_000})

        html = component("amount", field=form["amount"], chips=[10_000, 50_000, 100_000])

        assert 'data-amount="2"' in html
        assert 'data-fill="1,000" aria-pressed="false">₹1,000<' in html
        assert 'data-fill="500" aria-pressed="true">' in html

    def test_sum_up_what_is_wrong_with_links(self) -> None:
        form = AmountForm({"amount": ""})
        form.add_error(None, f"Your wallet is frozen {EVIL}")

        html = component("error_summary", form=form)

        assert '<a href="#id_amount">Enter an amount, like 250 or 1,499.50</a>' in html
        assert "Your wallet is frozen &lt;script" in html
        assert 'role="alert"' in html

    def test_sum_up_nothing_when_nothing_is_wrong(self) -> None:
        assert component("error_summary", form=AmountForm()).strip() == ""


class TestRow:
    def row(self, **changes: Any) -> SimpleNamespace:
        return SimpleNamespace(
            **{
                **{"url": "/t/1/", "uid": "1", "name": "Kabir Mehta", "icon": "", "note": "Cab"},
                **{"is_person": True, "verb": "received from", "at": NOW, "currency": "INR"},
                **{"amount_minor": 124_000, "status": "complete", **changes},
            }
        )

    def test_is_green_only_when_the_money_has_arrived(self) -> None:
        assert "num in" in component("tx", row=self.row())
        assert "num in" not in component("tx", row=self.row(status="processing"))
        assert "num in" not in component("tx", row=self.row(amount_minor=-1))

    def test_says_its_status_in_words_and_strikes_out_what_failed(self) -> None:
        assert "Processing" in component("tx", row=self.row(status="processing"))
        failed = component("tx", row=self.row(status="failed"))
        assert "Failed" in failed
        assert "num void" in failed
        assert "bdg" not in component("tx", row=self.row())

    def test_cannot_be_broken_by_a_name_or_a_note(self) -> None:
        html = component("tx", row=self.row(name=EVIL, note=EVIL))

        assert "<script" not in html
        assert html.count("<bdi>") == 2


class TestMessages:
    def test_become_toasts_that_stay_when_they_are_bad(self) -> None:
        notes = [SimpleNamespace(message=EVIL, level=25), SimpleNamespace(message="No", level=40)]

        html = component("messages", messages=notes)

        assert html.count('class="toast"') == 1
        assert html.count("toast--bad") == 1
        assert "<script" not in html


class TestCurrent:
    def test_marks_the_page_we_are_on(self) -> None:
        request = RequestFactory().get("/")
        request.resolver_match = SimpleNamespace(view_name="wallet:history")  # type: ignore[assignment]
        source = '<a{% current "wallet:history" "wallet:receipt" %}><b{% current "home" %}>'

        assert render(source, request=request) == '<a aria-current="page"><b>'
        assert render(source) == "<a><b>"


class TestShell:
    def test_takes_the_look_from_cookies_and_trusts_none_of_them(self) -> None:
        request = RequestFactory().get("/")

        assert context.shell(request)["theme"] == ""
        request.COOKIES = {"theme": "dark", "private": "1"}
        assert (context.shell(request)["theme"], context.shell(request)["private"]) == (
            "dark",
            True,
        )
        request.COOKIES = {"theme": '"><script>', "private": "yes"}
        assert (context.shell(request)["theme"], context.shell(request)["private"]) == ("", False)


class TestErrorPage:
    @pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500])
    def test_needs_no_request(self, status: int, settings: Any) -> None:
        plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
        settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}

        html = render_to_string("error.html", {"title": "Sorry", "text": EVIL, "status": status})

        assert "<h1>Sorry</h1>" in html
        assert 'href="/"' in html
        assert "<script>" not in html


class TestTemplates:
    def test_have_nothing_that_the_content_security_policy_would_stop(self) -> None:
        for path in (ROOT / "templates").rglob("*.html"):
            text = path.read_text()
            assert not re.search(r'\sstyle="|\son[a-z]+="|hx-on|javascript:|<style', text), path
            assert not re.search(r"<script(?![^>]*\bsrc=)", text), path

    def test_refuse_an_unknown_tag(self) -> None:
        with pytest.raises(TemplateSyntaxError):
            render("{% nothing %}")
