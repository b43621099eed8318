"""What a person types to add money, turned into the arguments of services.start_onramp."""

from typing import Any

from django import forms
from django.conf import settings

from nexapay.kernel.forms import EchoMixin, KeyField, MoneyField
from onramp import banks

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
