"""What staff type about a break, turned into the arguments of one service each."""

from datetime import date
from typing import Any

from django import forms

from accounts import selectors as accounts
from nexapay.kernel.forms import KeyField, LineField, MoneyField
from onramp.models import Break
from wallet import selectors

_ANY = ("", "Any")
_WIDE = {"class": "vTextField"}  # As wide as the admin's own fields.


class FilterForm(forms.Form):
    """The filters of the list, from its address."""

    status = forms.ChoiceField(
        choices=[_ANY, *Break.Status.choices], required=False, label="Status"
    )
    kind = forms.ChoiceField(choices=[_ANY, *Break.Kind.choices], required=False, label="Kind")
    mine = forms.BooleanField(required=False, label="Assigned to me")
    before = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )

    def filters(self, *, user_id: int) -> dict[str, Any]:
        """Return what reads.breaks takes."""
        given = self.cleaned_data
        return {
            "status": given["status"],
            "kind": given["kind"],
            "assignee_id": user_id if given["mine"] else None,
            "before": given["before"],
        }


class DayForm(forms.Form):
    """A day whose statement is to be matched."""

    day = forms.DateField(
        label="Day",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Choose a day.", "invalid": "That is not a day."},
    )

    def clean_day(self) -> date:
        """Refuse years that no statement is of."""
        day: date = self.cleaned_data["day"]
        if not 2000 <= day.year < 2200:
            raise forms.ValidationError("That is not a day of ours.")
        return day


class CaseForm(forms.Form):
    """A form about one break."""

    def __init__(self, *args: Any, case: Break, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case = case
        for field in self.fields.values():
            if isinstance(field, LineField):
                field.widget.attrs.update(_WIDE)

    def arguments(self) -> dict[str, Any]:
        """Return the service's own arguments, but for who and when."""
        return {"break_id": self.case.pk}


class AssignForm(CaseForm):
    """Who looks after it."""

    assignee = forms.ModelChoiceField(
        queryset=accounts.staff(), required=False, empty_label="Nobody", label="Assigned to"
    )

    def __init__(self, *args: Any, case: Break, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        self.initial["assignee"] = case.assignee_id

    def arguments(self) -> dict[str, Any]:
        chosen = self.cleaned_data["assignee"]
        return super().arguments() | {"assignee_id": chosen.pk if chosen else None}


class TextForm(CaseForm):
    """Some words."""

    text = LineField(max_length=1_000, label="Note")

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"text": self.cleaned_data["text"]}


class ExplainForm(TextForm):
    """Why nothing needs to move."""

    text = LineField(max_length=1_000, label="Explanation")


class ProposeForm(CaseForm):
    """What shall move, and why; and whose wallet it is, where the break does not know."""

    amount = MoneyField(currency="INR", label="Amount")
    reason = LineField(
        max_length=280, label="Reason", help_text="The wallet's owner reads this in their history."
    )
    to = LineField(
        max_length=254, label="Whose wallet", help_text="Their phone, e-mail or @handle."
    )

    def __init__(self, *args: Any, case: Break, remaining_minor: int, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        amount = self.fields["amount"]
        amount.currency = case.currency  # type: ignore[attr-defined]
        self.initial["amount"] = abs(remaining_minor)
        if case.wallet_id:
            del self.fields["to"]

    def clean_to(self) -> int:
        text = self.cleaned_data["to"]
        _, wallet = selectors.find_payee(text=text, currency=self.case.currency)
        if wallet is None:
            raise forms.ValidationError("We know nobody by that who has such a wallet.")
        return wallet.pk

    def arguments(self) -> dict[str, Any]:
        given = self.cleaned_data
        return super().arguments() | {
            "wallet_id": given.get("to"),
            "amount_minor": given["amount"],
            "reason": given["reason"],
        }


class ApproveForm(CaseForm):
    """Agreeing to the proposal that was on the page, and to no other."""

    correction = KeyField(initial=None)

    def arguments(self) -> dict[str, Any]:
        return {"public_id": self.cleaned_data["correction"]}


class DeclineForm(ApproveForm):
    """Turning it down."""

    text = LineField(max_length=1_000, label="Why not")

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"text": self.cleaned_data["text"]}
