"""How often one address may knock. Tries at one account are counted by allauth."""

import ipaddress

from django.http import HttpRequest

from nexapay.kernel import http, throttle

_WINDOW_S = 60
# Whoever has one IPv6 address has all of its network.
_IPV6_PREFIX = 64


def allow(request: HttpRequest, *, scope: str, per_minute: int) -> bool:
    """Count one try of scope from the caller's address; say whether it is within the limit."""
    key = _network(http.client_ip(request))
    return throttle.allow(scope=scope, key=key, limit=per_minute, window_s=_WINDOW_S)


def _network(address: str) -> str:
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
