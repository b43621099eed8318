"""What a person types to add money or withdraw it, turned into the arguments of services."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings

from nexapay.kernel.forms import EchoMixin, KeyField, LineField, MoneyField
from onramp import banks
from onramp.models import BankAccount
from onramp.services.accounts import NUMBER

_CHOOSE = "Choose the bank to take the money from."


class _Cards(forms.RadioSelect):
    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Name the first radio, so that a summary of errors has something to lead to."""
        return super().id_for_label(id_, index or "0")


class _BankField(EchoMixin, forms.ChoiceField):
    widget = _Cards


class AddMoneyForm(forms.Form):
    """How much, from which bank. The currency is that of the wallet it goes into."""

    amount = MoneyField(currency="INR", label="How much?")
    bank = _BankField(
        label="From which bank?",
        choices=[(choice.code, choice.name) for choice in banks.CHOICES.values()],
        error_messages={"required": _CHOOSE, "invalid_choice": _CHOOSE},
    )
    idempotency_key = KeyField()

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount = self.fields["amount"]
        assert isinstance(amount, MoneyField)  # noqa: S101  # Said for mypy.
        amount.currency = currency
        amount.min_minor = settings.ONRAMP_MIN_MINOR
        amount.max_minor = settings.ONRAMP_MAX_MINOR

    def arguments(self) -> dict[str, Any]:
        """Return what start_onramp takes from the person."""
        return {
            "amount_minor": self.cleaned_data["amount"],
            "bank": self.cleaned_data["bank"],
            "idempotency_key": self.cleaned_data["idempotency_key"],
        }


_CHOOSE_ACCOUNT = "Choose the account to withdraw to."


class WithdrawForm(forms.Form):
    """How much, to which of the person's accounts. The currency is the wallet's."""

    amount = MoneyField(currency="INR", label="How much?")
    account = _BankField(
        label="To which account?",
        error_messages={"required": _CHOOSE_ACCOUNT, "invalid_choice": _CHOOSE_ACCOUNT},
    )
    idempotency_key = KeyField()

    def __init__(
        self, *args: Any, currency: str, accounts: Sequence[BankAccount], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        amount, account = self.fields["amount"], self.fields["account"]
        assert isinstance(amount, MoneyField)  # noqa: S101  # Said for mypy.
        amount.currency = currency
        amount.min_minor = settings.PAYOUT_MIN_MINOR
        amount.max_minor = settings.PAYOUT_MAX_MINOR
        self.accounts = {str(each.public_id): each for each in accounts}
        assert isinstance(account, forms.ChoiceField)  # noqa: S101
        account.choices = [(public_id, str(each)) for public_id, each in self.accounts.items()]

    def arguments(self) -> dict[str, Any]:
        """Return what request_withdrawal takes from the person."""
        return {
            "amount_minor": self.cleaned_data["amount"],
            "account_id": self.accounts[self.cleaned_data["account"]].pk,
            "idempotency_key": self.cleaned_data["idempotency_key"],
        }


class _NumberField(LineField):
    """An account's number: digits, in groups if somebody likes."""

    WRONG = "Enter the account number: 9 to 18 digits."

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=40, error_messages={"required": self.WRONG}, **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"inputmode": "numeric", "autocomplete": "off"}

    def to_python(self, value: Any) -> str:
        digits = super().to_python(value).replace(" ", "").replace("-", "")
        if digits and not NUMBER.fullmatch(digits):
            raise forms.ValidationError(self.WRONG, code="invalid")
        return digits


class AccountForm(forms.Form):
    """A bank account to withdraw to. Its number is asked for twice: it cannot be changed later."""

    bank = _BankField(
        label="Which bank?",
        choices=[(choice.code, choice.name) for choice in banks.CHOICES.values()],
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"), "Choose the bank of the account."
        ),
    )
    holder = LineField(
        max_length=80,
        label="Name on the account",
        error_messages={"required": "Enter the name on the account."},
    )
    number = _NumberField(label="Account number")
    again = _NumberField(label="Account number, once more")

    def clean(self) -> None:
        """Refuse two numbers that differ."""
        number, again = self.cleaned_data.get("number"), self.cleaned_data.get("again")
        if number is None:
            self.errors.pop("again", None)  # One sentence about a number that is none is enough.
        elif again and number != again:
            self.add_error("again", "The two numbers differ. Enter the same number twice.")

    def arguments(self) -> dict[str, str]:
        """Return what add_account takes from the person."""
        return {name: self.cleaned_data[name] for name in ("bank", "holder", "number")}
