"""
The short way in, for machines: a view that needs no session, no form and no page is given none.

Under the site's handler such a request passes fourteen layers, of which it needs two, and that
costs more than its answer (docs/decisions/0034).
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.urls import resolve

from nexapay.kernel.http import said
from nexapay.kernel.middleware import RequestLog

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


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
        close_old_connections()  # Django's signals do it at both ends of its own requests.
        try:
            response: Any = self._answer(request)
        finally:
            close_old_connections()
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
