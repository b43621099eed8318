"""Where a page may send people next."""

from django.http import HttpRequest
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme

_MAX_LENGTH = 2_000


def is_ours(request: HttpRequest, url: str) -> bool:
    """Say whether url stays on this site and can be written into a header."""
    # isprintable() is False for control characters and half characters.
    if len(url) > _MAX_LENGTH or not url.isprintable():
        return False
    return url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def back(request: HttpRequest, *, default: str) -> str:
    """Return the page that a form came from: next, else the referrer, else default."""
    offered = (request.POST.get("next", ""), request.headers.get("Referer", ""))
    return next((iri_to_uri(url) for url in offered if url and is_ours(request, url)), default)
