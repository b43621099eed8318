"""What every request passes through: an id, one log line, a locked door, no stored copies."""

import re
import time
import traceback
from collections.abc import Callable, Sequence
from secrets import token_hex
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.messages.storage import default_storage
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import resolve_url
from django.utils.functional import SimpleLazyObject, empty

from nexapay.kernel import logs, wire

_log, _line = structlog.get_logger("nexapay.request"), logs.Plain("nexapay.request")
GetResponse = Callable[[HttpRequest], HttpResponseBase]
_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# How a view says 400, 403 or 404. The request's own line has the status.
_ANSWERS = (Http404, PermissionDenied, SuspiciousOperation, BadRequest, MultiPartParserError)


class RequestLog:
    """Give each request an id and a living connection, and write one line when it is answered."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started, database = time.perf_counter(), _living_connection()
        try:
            return self._logged(request, self.get_response, started)
        finally:
            _close_if_old(database)

    def together(
        self,
        requests: Sequence[HttpRequest],
        prepare: Callable[[Sequence[HttpRequest]], Sequence[GetResponse | None]],
    ) -> list[HttpResponseBase | None]:
        """Do the same for requests that prepare answers together; None are those that it leaves."""
        started, database = time.perf_counter(), _living_connection()
        try:
            return [
                self._logged(request, answer, started) if answer else None
                for request, answer in zip(requests, prepare(requests), strict=True)
            ]
        finally:
            _close_if_old(database)

    def _logged(
        self, request: HttpRequest, get_response: GetResponse, started: float
    ) -> HttpResponseBase:
        # Not request.headers, which reads every header there is into a mapping of its own.
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = offered if _ID.fullmatch(offered) else token_hex(16)
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = get_response(request)
            response["X-Request-ID"] = request_id
            self._write(request, response, request_id, started)
        finally:
            structlog.contextvars.reset_contextvars(**bound)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Log what nobody expected; Django then answers with the 500 page."""
        if isinstance(exception, _ANSWERS):
            return
        # Type and places, never the message: a database error quotes the row it refused.
        frames = traceback.extract_tb(exception.__traceback__)[-12:]
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        _log.error("exception", route=_route(request), error=type(exception).__name__, at=places)

    def _write(
        self, request: HttpRequest, response: HttpResponseBase, request_id: str, started: float
    ) -> None:
        _line.info(
            "request",
            request_id=request_id,
            method=request.method,
            route=_route(request),  # The route and not the path: a path may hold a bank's token.
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1000, 1),
        )


def _living_connection() -> Any:
    database = connections[DEFAULT_DB_ALIAS]  # django.db.connection asks at each attribute.
    _close_if_old(database)
    wire.trust_if_quiet(database)
    return database


def _close_if_old(database: Any) -> None:
    """Do what Django's listeners do at both ends of a request, which door.py spares."""
    if not database.in_atomic_block:  # Such as a test's, around all its requests.
        database.close_if_unusable_or_obsolete()


def _route(request: HttpRequest) -> str:
    return request.resolver_match.route if request.resolver_match else "(none)"


class SignedInOnly(LoginRequiredMiddleware):
    """Everything is private unless its view says otherwise, and no copy of it is kept."""

    sync_capable = True
    async_capable = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = cast(HttpResponseBase, super().__call__(request))  # We run as WSGI only.
        # In this order: an open view that keeps no copies, /readyz, must need no session.
        if not response.has_header("Cache-Control") and request.user.is_authenticated:
            response["Cache-Control"] = "private, no-store"
        return response

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], *rest: Any
    ) -> HttpResponseBase | None:
        """Let everybody through to an open view before anybody asks who they are."""
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, *rest)

    def handle_no_permission(  # type: ignore[override]  # The stubs allow a redirect only.
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        """Redirect to sign-in; for htmx redirect the whole page, never swap sign-in into a card."""
        if "HX-Request" not in request.headers:
            return super().handle_no_permission(request, view_func)
        shown = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
        sign_in = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': shown})}"
        return HttpResponse(status=401, headers={"HX-Redirect": sign_in})


class Messages(MessageMiddleware):
    """Django's; what keeps messages is made when there is one to keep, or somebody reads them."""

    def process_request(self, request: HttpRequest) -> None:
        """Let the storage be made by whoever uses it first."""
        storage = SimpleLazyObject(lambda: default_storage(request))
        request._messages = storage  # type: ignore[attr-defined]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Keep what was added and forget what was read, if anybody did either."""
        if request._messages._wrapped is empty:  # type: ignore[attr-defined]
            return response
        return super().process_response(request, response)


class Utf8Only:
    """Read every request as UTF-8: other charsets smuggle half characters past every field."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        charset = request.content_params.get("charset", "utf-8") if request.content_params else ""
        is_text = not request.path_info.startswith("/webhooks/")  # Those are read as bytes.
        if is_text and charset.lower() not in {"", "utf-8", "utf8"}:
            return HttpResponse("Send it as UTF-8. Nothing was changed.", status=415)
        return self.get_response(request)
