"""What allauth asks us about people, and where its defaults are not ours."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.fields import PhoneField
from accounts.links import is_ours
from accounts.models import User
from nexapay.kernel import http

# One sentence, whether the account or the password is wrong: it must not tell who is here.
_MISMATCH = "That does not match an account. Check both and try again."


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up and sign-in, our way."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "phone_password_mismatch": _MISMATCH,
        "email_password_mismatch": _MISMATCH,
        "username_password_mismatch": _MISMATCH,
        "too_many_login_attempts": "That was too many tries. Wait five minutes, then try again.",
        "enter_current_password": "That is not your current password. Type it again.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return whom to count tries against: an address that the caller cannot choose."""
        return http.client_ip(request)

    def is_ajax(self, request: HttpRequest) -> bool:
        """Answer everybody with pages: the JSON that allauth could write is not our interface."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        return bool(url) and is_ours(self.request, str(url))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth's own leaves the phone out, so that one guesser would lock out every phone. One
        # account has one budget, whichever of its three names is typed.
        names = {"phone": "phone", "email": "email", "username": "handle"}
        given = {field: credentials[kind] for kind, field in names.items() if credentials.get(kind)}
        field, login = next(iter(given.items()), ("handle", ""))
        person = User.objects.filter(**{field: login.lower()}).values_list("pk", flat=True).first()
        return f"account {person}" if person else f"typed {login.lower()}"

    # Phones

    def phone_form_field(self, **kwargs: Any) -> PhoneField:
        return PhoneField(**kwargs)

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        """Return the phone and whether it is verified: never, no SMS is sent."""
        return (user.phone, False) if user.phone else None

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone).first()

    # Passwords

    def set_password(self, user: User, password: str) -> None:
        user.set_password(password)
        user.save(update_fields=["password"])

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:settings")

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link for the mail. Its host comes from our settings, not from the request."""
        url: str = super().get_reset_password_from_key_url(key)
        return f"{settings.SITE_URL}{urlsplit(url).path}"
