"""A person's own settings: who they are, and how NexaPay looks to them."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from accounts import links, services
from accounts.forms import MailForm, ProfileForm
from accounts.models import User
from nexapay.kernel import http
from nexapay.kernel.context import THEMES

_YEAR_S = 365 * 24 * 3600


@require_safe
def settings_page(request: http.Request) -> HttpResponse:
    """Show who I am and how things look."""
    return http.page(request, "accounts/settings.html")


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: http.Request) -> HttpResponse:
    """Change my name and handle."""
    assert isinstance(request.user, User)  # noqa: S101  SignedInOnly saw to it.
    form = ProfileForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        try:
            services.change_profile(**form.arguments())
        except services.AlreadyTaken as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, "Your profile is saved.")
            return http.go(request, "accounts:settings")
    status = 422 if form.errors else 200
    return http.page(request, "accounts/profile.html", {"form": form}, status=status)


@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Keep the theme in a cookie, which the server reads before it writes a page: no flash."""
    theme = request.POST.get("theme", "")
    if theme not in ("auto", *THEMES):
        raise BadRequest("no such theme")
    response = _done(request)
    if theme == "auto":
        response.delete_cookie("theme", samesite="Lax")
    else:
        _remember(response, "theme", theme)
    return response


@require_POST
def privacy(request: HttpRequest) -> HttpResponse:
    """Hide amounts or show them: private=1 or 0, or without it the other way round."""
    hidden = request.COOKIES.get("private") == "1"
    private = request.POST.get("private", "0" if hidden else "1")
    if private not in ("0", "1"):
        raise BadRequest("private is neither 0 nor 1")
    response = _done(request)
    _remember(response, "private", private)
    title = "Amounts are hidden" if private == "1" else "Amounts are shown"
    return trigger_client_event(response, "toast", {"title": title})


@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Keep which notices come by mail as well."""
    assert isinstance(request.user, User)  # noqa: S101  SignedInOnly saw to it.
    form = MailForm(request.POST)
    if not form.is_valid():
        raise BadRequest("no such notices")
    services.change_mail(user_id=request.user.pk, **form.cleaned_data)
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, "Your choice is saved.")
    return trigger_client_event(_done(request), "toast", {"title": "Your choice is saved"})


def _done(request: HttpRequest) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(status=204)
    return http.go(request, links.back(request, default=reverse("accounts:settings")))


def _remember(response: HttpResponse, name: str, value: str) -> None:
    # Not HttpOnly: app.js changes the look at once and writes the same cookie.
    response.set_cookie(
        name, value, max_age=_YEAR_S, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
