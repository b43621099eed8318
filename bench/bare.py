"""A view that does nothing: what a server costs before anybody's code runs."""

from collections.abc import Callable, Iterable
from typing import Any

_BODY = b"ok"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer 200, as a WSGI application."""
    start_response("200 OK", [("Content-Length", str(len(_BODY))), ("Content-Type", "text/plain")])
    return [_BODY]
