"""The Content-Security-Policy of our answers. Which it is stands in the settings."""

from collections.abc import Callable
from http import HTTPStatus

from csp.constants import HEADER, HEADER_REPORT_ONLY
from csp.middleware import CheckableLazyObject, CSPMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase

# With DEBUG, django-csp leaves these to Django's own pages.
_SHOWN_IN_DEBUG = {HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR}


class ContentPolicy(CSPMiddleware):
    """django-csp, with the usual policy made once: each time it costs as much as a query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        super().__init__(get_response)
        usual = super().process_response(HttpRequest(), HttpResponse())
        self._usual = [
            (name, usual[name]) for name in (HEADER, HEADER_REPORT_ONLY) if name in usual
        ]
        self._too_late = CheckableLazyObject(self._csp_nonce_post_response)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Set the usual policy, or have django-csp make what the request or the view asks for."""
        if _asks_for_its_own(request, response):
            return super().process_response(request, response)
        for name, policy in self._usual:
            response.headers.setdefault(name, policy)
        request.csp_nonce = self._too_late  # type: ignore[attr-defined]
        return response


def _asks_for_its_own(request: HttpRequest, response: HttpResponseBase) -> bool:
    if hasattr(request, "_csp_nonce") or response.status_code in _SHOWN_IN_DEBUG:
        return True
    return "_csp_" in " ".join(vars(response))  # As django-csp's decorators leave word.
