"""Pages that belong to no app: the door, health, and errors in words."""

import psycopg
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from nexapay.kernel import health


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what NexaPay is; whoever is signed in goes straight to the dashboard."""
    if request.user.is_authenticated:
        return redirect("wallet:dashboard")
    return render(request, "landing.html")


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer as long as this process lives."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database is reachable and every migration is applied, else 503."""
    try:
        waiting = health.waiting_migrations()
    except psycopg.Error:
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    checks = {"database": "reachable", "migrations": "waiting" if waiting else "applied"}
    if waiting:
        return JsonResponse({"status": "unavailable", **checks}, status=503)
    return JsonResponse({"status": "ok", **checks})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what could not be read."""
    return _error(
        request, 400, "We could not read that", "Nothing was changed. Go back and try again."
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer who may not look here."""
    return _error(request, 403, "This page is not for you", "Nothing was changed.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that was open too long or came from elsewhere."""
    text = "Nothing was changed and no money moved. Go back, reload the page and try again."
    return _error(request, 403, "This form is out of date", text)


def too_many(request: HttpRequest) -> HttpResponse:
    """Answer who asks too often."""
    text = "Nothing was changed. Wait a minute, then try again."
    return _error(request, 429, "That was too many tries", text)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what does not exist, or is not yours."""
    text = "The address may be wrong, or the page is not yours to see."
    return _error(request, 404, "We could not find that page", text)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer our own fault. Uses no database: that may be what failed."""
    text = (
        "Something went wrong on our side. If you were sending money, it may have gone "
        "through: look in Activity before you try again."
    )
    context = {"title": "Sorry, that did not work", "text": text, "status": 500}
    return HttpResponse(render_to_string("error.html", context), status=500)


def _error(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    context = {"title": title, "text": text, "status": status}
    return render(request, "error.html", context, status=status)
