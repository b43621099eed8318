"""The fields: from what was typed to what a service takes, and never an exception."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from nexapay.kernel.forms import KeyField, LineField, MoneyField


class PayForm(forms.Form):
    amount = MoneyField(currency="INR", min_minor=1_000, max_minor=10_000_000)
    note = LineField(max_length=80, required=False)
    key = KeyField()


def pay(**data: Any) -> PayForm:
    return PayForm({"amount": "250", "note": "Cab", "key": str(uuid4()), **data})


def error(form: forms.Form, name: str) -> str:
    assert not form.is_valid()
    (message,) = form.errors[name]
    return str(message)


class TestMoneyField:
    def test_cleans_to_minor_units(self) -> None:
        form = pay(amount=" 1,499.50 ")

        assert form.is_valid()
        assert form.cleaned_data["amount"] == 149_950

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("", "Enter an amount, like 250 or 1,499.50"),
            ("   ", "Enter an amount, like 250 or 1,499.50"),
            ("ten", "Enter an amount, like 250 or 1,499.50"),
            ("1,0,0", "Enter an amount, like 250 or 1,499.50"),
            ("10.001", "Use at most 2 decimals, like 1,499.50"),
            ("0", "Enter ₹10.00 or more."),
            ("9.99", "Enter ₹10.00 or more."),
            ("100000.01", "Enter ₹1,00,000.00 or less."),
        ],
    )
    def test_refuses_with_a_sentence(self, typed: str, sentence: str) -> None:
        assert error(pay(amount=typed), "amount") == sentence

    def test_may_be_left_out_where_it_is_optional(self) -> None:
        assert MoneyField(currency="INR", required=False).clean("") is None

    def test_shows_its_initial_as_a_person_would_type_it(self) -> None:
        assert 'value="1,500"' in str(PayForm(initial={"amount": 150_000})["amount"])

    def test_shows_again_what_was_typed(self) -> None:
        assert 'value="&lt;1"' in str(pay(amount="<1")["amount"])

    def test_takes_the_currency_of_a_wallet_known_later(self) -> None:
        form = pay(amount="1.5")
        field = form.fields["amount"]
        assert isinstance(field, MoneyField)
        field.currency = "JPY"

        assert error(form, "amount") == "Enter a whole amount, without decimals."


class TestLineField:
    def test_cleans_to_one_plain_line(self) -> None:
        form = pay(note="  Cafe\u0301   bill ")

        assert form.is_valid()
        assert form.cleaned_data["note"] == "Café bill"

    def test_is_an_empty_line_when_left_out(self) -> None:
        form = pay(note="")

        assert form.is_valid()
        assert form.cleaned_data["note"] == ""

    def test_refuses_nul_like_everything_hidden(self) -> None:
        assert "hidden characters" in error(pay(note="a\x00b"), "note")

    def test_says_how_long_it_may_be(self) -> None:
        assert error(pay(note="x" * 81), "note") == "Use 80 characters or fewer."

    def test_is_required_where_it_says_so(self) -> None:
        with pytest.raises(forms.ValidationError):
            LineField(max_length=80).clean(" \u3000 ")


class TestKeyField:
    def test_is_born_with_the_page_and_comes_back_as_a_uuid(self) -> None:
        key = uuid4()

        assert UUID(PayForm()["key"].value()) != UUID(PayForm()["key"].value())
        form = pay(key=str(key))
        assert form.is_valid()
        assert form.cleaned_data["key"] == key

    @pytest.mark.parametrize("key", ["", "x", "\ud800", "0" * 5000])
    def test_asks_for_a_fresh_page_otherwise(self, key: str) -> None:
        assert error(pay(key=key), "key").startswith("This page is out of date.")


class TestEveryField:
    @given(st.text(st.characters(codec=None), max_size=200))
    def test_answers_and_can_be_shown_again_whatever_comes(self, raw: str) -> None:
        form = PayForm({"amount": raw, "note": raw, "key": raw})

        form.is_valid()

        assert str(form).encode()
