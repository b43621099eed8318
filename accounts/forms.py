"""What people type to join, to come in, and to change who they are."""

from typing import Any
from uuid import UUID

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.internal import flows
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import notices, selectors, services
from accounts.fields import EmailField, HandleField, LoginField, PasswordField, PhoneField
from accounts.models import User
from nexapay.kernel.forms import LineField

NAME_MAX_LENGTH = 80
TOO_MANY = "too_many_login_attempts"


class SignInForm(allauth_forms.LoginForm):
    """Phone, email or handle, and the password. allauth judges them and counts the tries."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        messages = {"required": "Enter your phone number or email."}
        self.fields["login"] = LoginField(label="Phone or email", error_messages=messages)
        messages = {"required": "Enter your password."}
        self.fields["password"] = PasswordField(label="Password", error_messages=messages)

    def user_credentials(self) -> dict[str, Any]:
        credentials: dict[str, Any] = super().user_credentials()
        if "email" in credentials or "phone" in credentials:
            # Else allauth tries it as a username first: a second hash, which tells who is here.
            credentials.pop("username", None)
        return credentials

    def clean(self) -> dict[str, Any]:
        """Put what allauth says of both fields beside the password, the one to type again."""
        try:
            super().clean()
        except ValidationError as refusal:
            self.add_error("password", refusal)
        data: dict[str, Any] = self.cleaned_data
        return data

    @property
    def has_too_many_tries(self) -> bool:
        """Whether the tries are used up, which is no fault of what was typed."""
        return bool(self.has_error("password", TOO_MANY))


class SignUpForm(forms.Form):
    """A new person. allauth's view asks a form for try_save() and by_passkey; the rest is ours."""

    by_passkey = False

    name = LineField(
        max_length=NAME_MAX_LENGTH, error_messages={"required": "Enter your name."}, label="Name"
    )
    phone = PhoneField(required=False, label="Phone")
    email = EmailField(required=False, label="Email")
    password = PasswordField(error_messages={"required": "Choose a password."}, label="Password")
    handle = HandleField(required=False, label="Handle")

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if not (data.get("phone") or data.get("email") or {"phone", "email"} & self.errors.keys()):
            self.add_error("phone", "Enter a phone number or an email address to sign in with.")
        self._refuse_taken()
        self._judge_password()
        return self.cleaned_data

    def _refuse_taken(self) -> None:
        given = {field: self.cleaned_data.get(field) for field in ("phone", "email", "handle")}
        for field in selectors.taken_fields(**given):
            self.add_error(field, services.taken(field))

    def _judge_password(self) -> None:
        given = {field: self.cleaned_data.get(field) for field in ("name", "phone", "email")}
        somebody = User(handle=self.cleaned_data.get("handle") or "", **given)
        if password := self.cleaned_data.get("password"):
            try:
                get_adapter().clean_password(password, user=somebody)
            except ValidationError as refusal:
                self.add_error("password", refusal)

    def try_save(self, request: HttpRequest) -> tuple[User, None]:
        """Join; None stands for the answer that allauth would give where mail comes first."""
        return services.join(**self.cleaned_data), None


class ProfileForm(forms.Form):
    """A person's own name and handle."""

    name = LineField(max_length=NAME_MAX_LENGTH, error_messages={"required": "Enter your name."})
    handle = HandleField(error_messages={"required": "Enter a handle."})

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, initial={"name": user.name, "handle": user.handle})
        self.user = user

    def clean_handle(self) -> str:
        handle: str = self.cleaned_data["handle"]
        if selectors.taken_fields(exclude_id=self.user.pk, handle=handle):
            raise ValidationError(services.taken("handle"))
        return handle

    def arguments(self) -> dict[str, Any]:
        return {"user_id": self.user.pk, **self.cleaned_data}


class NewPasswordForm(forms.Form):
    """One new password, which may be looked at while it is typed: no second field to repeat it."""

    password = PasswordField(error_messages={"required": "Choose a password."})

    def __init__(self, *args: Any, user: User | None, temp_key: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = get_adapter().clean_password(self.cleaned_data["password"], user=self.user)
        return password

    def save(self) -> None:
        """Keep the password; allauth's views call this."""
        flows.password_change.change_password(self.user, self.cleaned_data["password"])


class ChangePasswordForm(NewPasswordForm):
    """The old password, and the new one."""

    oldpassword = PasswordField(error_messages={"required": "Enter your current password."})
    field_order = ["oldpassword", "password"]

    def clean_oldpassword(self) -> str:
        password: str = self.cleaned_data["oldpassword"]
        if self.user is None or not self.user.check_password(password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    """An email address to send a link to, if it is anybody's."""

    email = EmailField(error_messages={"required": "Enter your email address."})


class MailForm(forms.Form):
    """Which notices come by mail: what is not ticked does not."""

    received = forms.BooleanField(required=False)
    added = forms.BooleanField(required=False)
    other = forms.BooleanField(required=False)


class SubjectsField(forms.Field):
    """Public ids, as many as a page of notices shows at the most. Cleans to a list of UUIDs."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[UUID]:
        given = list(value or [])
        if len(given) > notices.PAGE_SIZE:
            raise ValidationError("Those are too many.", code="invalid")
        try:
            return [UUID(text) for text in given]
        except ValueError as error:
            raise ValidationError("That is no public id.", code="invalid") from error


class ReadForm(forms.Form):
    """Notices that were seen; none of them stands for all."""

    subject = SubjectsField(required=False)
