"""Form fields that turn what a person typed into the arguments of a service."""

from typing import Any

from django import forms

from nexapay.kernel import ids, money, text


class EchoMixin:
    """Show back what was typed, whatever it was: a half character would break the answer."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        return text.echo(data) if isinstance(data, str) else data


class MoneyField(EchoMixin, forms.Field):
    """
    An amount of money. Cleans to an int in minor units, or None where it is not required.

    Currency and limits may be set on the instance, by a form that knows the wallet. An initial
    value is in minor units as well.
    """

    widget = forms.TextInput

    def __init__(
        self,
        *,
        currency: str,
        min_minor: int = 1,
        max_minor: int = money.MAX_MINOR,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.currency = currency
        self.min_minor = min_minor
        self.max_minor = max_minor

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"inputmode": "decimal", "autocomplete": "off"}

    def prepare_value(self, value: Any) -> Any:
        return money.typed(value, self.currency) if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:
        if value is None or not str(value).strip(" "):
            return None
        try:
            return money.parse(str(value), self.currency)
        except money.MoneyError as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from refusal

    def validate(self, value: Any) -> None:
        if value is None:
            if self.required:
                raise forms.ValidationError(money.example(self.currency), code="required")
        elif value < self.min_minor:
            least = money.format(self.min_minor, self.currency)
            raise forms.ValidationError(f"Enter {least} or more.", code="min_minor")
        elif value > self.max_minor:
            most = money.format(self.max_minor, self.currency)
            raise forms.ValidationError(f"Enter {most} or less.", code="max_minor")


class LineField(EchoMixin, forms.CharField):
    """One line of plain text, such as a note or a name: any script, emoji, nothing invisible."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        self.line_length = max_length
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: Any) -> str:
        try:
            return text.line(str(value or ""), max_length=self.line_length)
        except text.TextError as refusal:
            raise forms.ValidationError(str(refusal), code="invalid") from refusal


class KeyField(EchoMixin, forms.UUIDField):
    """The idempotency key: born with the page, hidden in it, cleaned to a UUID."""

    widget = forms.HiddenInput
    STALE = "This page is out of date. Nothing was done. Load it again and try once more."

    def __init__(self, **kwargs: Any) -> None:
        messages = {"required": self.STALE, "invalid": self.STALE}
        super().__init__(**{"initial": ids.new, "error_messages": messages, **kwargs})
