"""The HTTP server of the bank's API: its own paths, and none of NexaPay's middleware."""

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler


class _Request(WSGIRequest):
    urlconf = "onramp.simbank.api"


class _Api(WSGIHandler):
    request_class = _Request

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001, FBT002
        self._view_middleware: list[object] = []
        self._template_response_middleware: list[object] = []
        self._exception_middleware: list[object] = []
        self._middleware_chain = convert_exception_to_response(
            self._get_response  # type: ignore[attr-defined]  # Missing in the stubs.
        )


class Server(ThreadedWSGIServer):
    """One thread and one database connection for each call; both end with it."""

    request_queue_size = 128


def make_server(*, host: str, port: int) -> Server:
    """Return the API's server, bound and ready for serve_forever(). Port 0 takes any free one."""
    server = Server((host, port), WSGIRequestHandler)
    server.set_app(_Api())
    return server
