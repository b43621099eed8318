"""Form fields for what people call themselves and how they sign in."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts import handles, phones
from nexapay.kernel import text
from nexapay.kernel.forms import EchoMixin

PASSWORD_MAX_LENGTH = 128
EMAIL_MAX_LENGTH = 254
_EMAIL_EXAMPLE = "Enter an email address such as name@example.com."
# Printable ASCII without spaces and quotes: letters of other scripts would pass for these.
_EMAIL_LETTERS = re.compile("[!#-~]+")


class PhoneField(EchoMixin, forms.Field):
    """A phone number. Cleans to E.164, or None where it is not required."""

    widget = forms.TelInput

    def to_python(self, value: Any) -> str | None:
        if not (typed := str(value or "").strip(" ")):
            return None
        try:
            return phones.parse(typed)
        except phones.PhoneError as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal


class EmailField(EchoMixin, forms.Field):
    """An email address. Cleans to lower case, or None where it is not required."""

    widget = forms.EmailInput

    def to_python(self, value: Any) -> str | None:
        if not (typed := str(value or "").strip(" ")):
            return None
        if len(typed) > EMAIL_MAX_LENGTH or not _EMAIL_LETTERS.fullmatch(typed):
            raise ValidationError(_EMAIL_EXAMPLE, code="invalid")
        try:
            validate_email(typed)
        except ValidationError as refusal:
            raise ValidationError(_EMAIL_EXAMPLE, code="invalid") from refusal
        return typed.lower()


class HandleField(EchoMixin, forms.Field):
    """A handle, with or without its @. Cleans to it without, or None where it is not required."""

    widget = forms.TextInput

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"autocapitalize": "none", "spellcheck": "false"}

    def to_python(self, value: Any) -> str | None:
        if not (typed := str(value or "").strip(" ")):
            return None
        try:
            return handles.parse(typed)
        except handles.HandleError as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal


class LoginField(EchoMixin, forms.Field):
    """Whatever somebody signs in with. Cleans to a phone in E.164, an email, or a handle."""

    def to_python(self, value: Any) -> str | None:
        try:
            typed = text.line(str(value or ""), max_length=EMAIL_MAX_LENGTH)
        except text.TextError as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal
        try:
            return phones.parse(typed)
        except phones.PhoneError:
            return typed.removeprefix("@").lower() or None


class PasswordField(forms.CharField):
    """A password, exactly as typed. One too long is refused before anybody hashes it."""

    widget = forms.PasswordInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        # Not max_length: it would make browsers cut a long password without a word.
        password = super().to_python(value) or ""
        if len(password) > PASSWORD_MAX_LENGTH:
            longest = f"Use a password of {PASSWORD_MAX_LENGTH} characters or fewer."
            raise ValidationError(longest, code="max_length")
        if "\0" in password or text.echo(password) != password:
            unreadable = "Type it again: it has characters that we cannot read."
            raise ValidationError(unreadable, code="invalid")
        return password
