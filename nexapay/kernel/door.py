"""
The short way in, for machines: a view that needs no session, no form and no page is given none.

Under the site's handler such a request passes fourteen layers, of which it needs two, and that
costs more than its answer (docs/decisions/0034).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import compress
from typing import Any, TypeVar

from django.core.cache import close_caches
from django.core.exceptions import DisallowedHost
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.urls import resolve

from nexapay.kernel.http import said
from nexapay.kernel.middleware import GetResponse, RequestLog

_V = TypeVar("_V", bound=Callable[..., HttpResponse])
# What answers several requests at once: for each, what says its answer, or None to leave it.
Together = Callable[[Sequence[HttpRequest]], Sequence[GetResponse | None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# A parameter in a charset of its own (RFC 2231): of one that nobody knows Django makes a 500 before
# any of our code is asked. No browser and no bank sends one.
_BROKEN = re.compile(r"\*\s*=")

# At both ends of a request Django asks these. RequestLog looks after the one connection there is,
# for a tenth of that. The others have nothing to do: our caches close nothing, no request has a
# URLconf of its own, and the log of queries is a test's, or DEBUG's, where it is bounded.
_SPARED = (
    (request_started, (reset_queries, close_old_connections)),
    (request_finished, (close_old_connections, close_caches, reset_urlconf)),
)


def spare_listeners() -> None:
    """Ask none of Django's listeners any more, in a process whose requests all pass RequestLog."""
    for signal, listeners in _SPARED:
        for listener in listeners:
            signal.disconnect(listener)


def shared(together: Together) -> Callable[[_V], _V]:
    """
    Let requests that come at once to a view be answered together (nexapay.webline).

    Whoever is left by together, or met an exception there, is answered by the view.
    """

    def mark(view: _V) -> _V:
        view.together = together  # type: ignore[attr-defined]
        return view

    return mark


class Door:
    """
    A WSGI application: the views of some paths behind RequestLog and SecurityMiddleware alone.

    All else goes to the site. The same paths stand in the URLconf, and there the same views answer,
    so what is true of them under django.test.Client is true here; errors are said in JSON. They
    open to everybody, take no arguments, answer with no stream, and call no reverse().

    :raises Resolver404: if there is no view at one of the paths.
    """

    def __init__(self, site: Wsgi, *paths: str) -> None:
        self._site = site
        self._views = {path: resolve(path) for path in paths}
        self._together: dict[str, Together] = {
            path: view.func.together
            for path, view in self._views.items()
            if hasattr(view.func, "together")
        }
        self._answer = RequestLog(self._ask)
        self._secure = SecurityMiddleware(_view)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if not _is_readable(environ):
            return _refuse(start_response)
        if environ.get("PATH_INFO", "") not in self._views:
            return self._site(environ, start_response)
        response: Any = getattr(environ["wsgi.input"], "answer", None)
        if response is None:
            response = self._answer(self._request(environ))
        headers = [*response.items(), ("Content-Length", str(len(response.content)))]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]

    def is_shared(self, path: str) -> bool:
        """Say whether requests to it that come at once may be answered together."""
        return path in self._together

    def answer_together(self, environs: Sequence[dict[str, Any]]) -> None:
        """
        Leave the answers of those that can be answered together in their wsgi.input, as answer.

        A call for one of them then says it; a call for one that was left finds its own.
        """
        readable = [environ for environ in environs if _is_readable(environ)]
        for together in {*self._together.values()}:
            those = [each for each in readable if self._together.get(each["PATH_INFO"]) is together]
            requests = [self._request(environ) for environ in those]
            answers = self._answer.together(requests, partial(self._prepare, together))
            for environ, answer in zip(those, answers, strict=True):
                environ["wsgi.input"].answer = answer

    def _prepare(
        self, together: Together, requests: Sequence[HttpRequest]
    ) -> list[GetResponse | None]:
        """Have those answered that no layer would stop."""
        is_plain = [self._is_plain(request) for request in requests]
        answers = iter(together([*compress(requests, is_plain)]))
        return [self._secured(next(answers)) if plain else None for plain in is_plain]

    def _is_plain(self, request: HttpRequest) -> bool:
        try:
            request.get_host()
        except DisallowedHost:
            return False
        return self._secure.process_request(request) is None

    def _secured(self, answer: Callable[..., Any] | None) -> GetResponse | None:
        secure = self._secure.process_response
        return (lambda request: secure(request, answer(request))) if answer else None

    def _request(self, environ: dict[str, Any]) -> HttpRequest:
        request = WSGIRequest(environ)
        request.resolver_match = self._views[environ["PATH_INFO"]]
        return request

    def _ask(self, request: HttpRequest) -> Any:
        try:
            request.get_host()  # Before anybody else does: some only ask where they redirect.
            return self._secure(request)
        except DisallowedHost:
            failed = said(400, {"error": "host", "detail": "That is not a name of this site."})
        except Exception as error:
            self._answer.process_exception(request, error)
            failed = said(500, {"error": "internal", "detail": "It failed on our side."})
        return self._secure.process_response(request, failed)


def _is_readable(environ: dict[str, Any]) -> bool:
    return not _BROKEN.search(environ.get("CONTENT_TYPE", ""))


def _refuse(start_response: Callable[..., Any]) -> list[bytes]:
    said = b"That Content-Type cannot be read. Nothing was changed."
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))]
    start_response("400 Bad Request", headers)
    return [said]


def _view(request: HttpRequest) -> HttpResponse:
    return request.resolver_match.func(request)  # type: ignore[union-attr, no-any-return]
