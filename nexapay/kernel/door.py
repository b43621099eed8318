"""
The short way in, for machines: a view that needs no session, no form and no page is given none.

Under the site's handler such a request passes fourteen layers, of which it needs two, and that
costs more than its answer (docs/decisions/0034).
"""

from collections.abc import Callable, Iterable
from typing import Any

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
from nexapay.kernel.middleware import RequestLog

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

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
        self._answer = RequestLog(self._ask)
        self._secure = SecurityMiddleware(_view)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        view = self._views.get(environ.get("PATH_INFO", ""))
        if view is None:
            return self._site(environ, start_response)
        request = WSGIRequest(environ)
        request.resolver_match = view
        response: Any = self._answer(request)
        headers = [*response.items(), ("Content-Length", str(len(response.content)))]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]

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


def _view(request: HttpRequest) -> HttpResponse:
    return request.resolver_match.func(request)  # type: ignore[union-attr, no-any-return]
