"""The pieces pages are made of: fields, rows and messages."""

import re
from types import SimpleNamespace

import pytest
from django import forms

from nexapay.kernel import tags
from nexapay.kernel.forms import MoneyField
from tests.kernel.rendering import EVIL, component, render

pytestmark = pytest.mark.usefixtures("at_a_known_time")


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


class TestMessages:
    def test_become_toasts_that_stay_when_they_are_bad(self) -> None:
        notes = [SimpleNamespace(message=EVIL, level=25), SimpleNamespace(message="No", level=40)]

        html = component("messages", messages=notes)

        assert html.count('class="toast"') == 1
        assert html.count("toast--bad") == 1
        assert "<script" not in html
