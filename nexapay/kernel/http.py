"""How views answer: whole pages, fragments for htmx, redirects either understands."""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """A request as it reaches our views: django-htmx has looked at it."""

    htmx: HtmxDetails


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    partial: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the partial for an htmx swap, and the whole page for everything else."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    is_swap = htmx and not htmx.boosted and not htmx.history_restore_request
    shown = partial if partial and is_swap else template
    response = render(request, shown, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def go(request: HttpRequest, to: Any, *args: Any) -> HttpResponse:
    """Redirect after a POST, in the way the client understands: 303, or HX-Redirect for htmx."""
    is_path = isinstance(to, str) and to.startswith("/")  # resolve_url would look for its name.
    url = to if is_path else resolve_url(to, *args)
    if request.META.get("HTTP_HX_REQUEST") == "true":  # As request.htmx says, with less reading.
        return HttpResponseClientRedirect(url)
    return HttpResponse(status=303, headers={"Location": url})


def said(status: int, body: Mapping[str, Any], **headers: str) -> HttpResponse:
    """Answer a machine in JSON, by few calls: no encoder made for it, no charset looked for."""
    return HttpResponse(
        json.dumps(body).encode(), status=status, headers=headers, content_type="application/json"
    )


def client_ip(request: HttpRequest) -> str:
    """Return the caller's address: what our own outermost proxy saw, never what a caller claims."""
    hops = settings.TRUSTED_PROXY_COUNT
    forwarded = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    claimed = (
        forwarded[-hops] if 0 < hops <= len(forwarded) else request.META.get("REMOTE_ADDR", "")
    )
    try:
        return str(ipaddress.ip_address(claimed))
    except ValueError:
        return "unknown"
