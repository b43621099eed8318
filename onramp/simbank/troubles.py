"""How the API answers about a payment or payout when this bank misbehaves."""

import time
from collections.abc import Iterator

from django.db.models import F
from django.http import JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from onramp.simbank import scenarios
from onramp.simbank.models import Payment, Payout

SLOW_S, HANG_S = 3, 10  # A merchant waits for the first, and not for the second.


def spoil(about: Payment | Payout, usual: JsonResponse) -> HttpResponseBase:
    """Return the usual answer, or what the scenario makes of it this time."""
    trouble = _next(about)
    if trouble == "error":
        return JsonResponse({"error": "Something went wrong on our side. Ask again."}, status=500)
    if trouble == "half":
        return StreamingHttpResponse(
            _never_finished(usual.content),
            content_type="application/json",
            headers={"Content-Length": str(len(usual.content))},
        )
    time.sleep({"slow": SLOW_S, "hang": HANG_S}.get(trouble, 0))
    return usual


def _next(about: Payment | Payout) -> str:
    """Return the next trouble that the scenario has for it, and count it; empty for none."""
    scenario = scenarios.of(about)
    if scenario is None or about.troubles >= len(scenario.answers):
        return ""
    type(about).objects.filter(pk=about.pk).update(troubles=F("troubles") + 1)
    return scenario.answers[about.troubles]


def _never_finished(whole: bytes) -> Iterator[bytes]:
    yield whole[: len(whole) // 2]
    time.sleep(HANG_S)
