"""allauth's views, answering as every page of ours does."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as allauth_views
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from accounts import limits, services
from accounts.forms import SignInForm, SignUpForm
from accounts.models import User
from nexapay.kernel.views import too_many

_CONSOLE = "django.core.mail.backends.console.EmailBackend"


class Answers:
    """An invalid form answers 422; next is shown again only where it leads to a page of ours."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = 422
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return context | {"next": self.get_next_url()}  # type: ignore[attr-defined]


class SignInView(Answers, allauth_views.LoginView):
    """Sign in; too many failed tries for one account, or any from one address, answer 429."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not limits.allow(request, scope="sign-in", per_minute=settings.SIGN_INS_PER_MINUTE):
            return too_many(request)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        response = super().form_invalid(form)
        if form.has_too_many_tries:
            response.status_code = 429
        return response


class SignUpView(Answers, allauth_views.SignupView):
    """Join, and be signed in."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not limits.allow(request, scope="sign-up", per_minute=settings.SIGN_UPS_PER_MINUTE):
            return too_many(request)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except services.AlreadyTaken as refusal:  # Since the form looked: two at once.
            form.add_error(refusal.field, str(refusal))
            return self.form_invalid(form)
        except services.Busy as refusal:
            form.add_error(None, str(refusal))
            return self.form_invalid(form)
        return response


class PasswordChangeView(Answers, allauth_views.PasswordChangeView):
    """Choose another password, knowing the old one."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        assert isinstance(request.user, User)  # noqa: S101  SignedInOnly saw to it.
        if not request.user.has_usable_password():
            return redirect("account_reset_password")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


def by_mail(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer 404 with a word about it where no mail is sent, instead of promising some."""

    @wraps(view)
    def offered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.SENDS_MAIL:
            return render(request, "account/no_mail.html", status=404)
        return view(request, *args, **kwargs)

    return offered


class PasswordResetView(Answers, allauth_views.PasswordResetView):
    """Ask for a link by email."""


class PasswordResetDoneView(allauth_views.PasswordResetDoneView):
    """Say the same whether the address is anybody's; own up where mail is only printed."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"is_mail_printed": settings.EMAIL_BACKEND == _CONSOLE}


class PasswordResetFromKeyView(Answers, allauth_views.PasswordResetFromKeyView):
    """Choose another password through the link."""

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        status = 404 if context.get("token_fail") else kwargs.pop("status", None)
        response: HttpResponse = super().render_to_response(context, status=status, **kwargs)
        return response
