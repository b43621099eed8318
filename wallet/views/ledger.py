"""What the ledger publishes for everybody: its signed heads, and proofs that it only grows."""

import re

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from nexapay.kernel import http, throttle, views
from wallet import checkpoints
from wallet.models import Checkpoint

_SHOWN = 20
_PROOFS_PER_MINUTE = 60
_FOR_GOOD = "public, max-age=31536000, immutable"


@login_not_required
@require_safe
def heads(request: HttpRequest) -> HttpResponse:
    """List what was published, newest first, and say what it is good for."""
    found = Checkpoint.objects.order_by("-size")
    if before := request.GET.get("before", ""):
        found = found.filter(size__lt=_number(before))
    rows = list(found[: _SHOWN + 1])
    shown = rows[:_SHOWN]
    context = {
        "heads": shown,
        "before": before,
        "verifiers": list(dict.fromkeys(each.verifier for each in shown)),
        "next_before": shown[-1].size if len(rows) > _SHOWN else None,
        "due": checkpoints.next_due(timezone.now()),
        "every_min": checkpoints.EVERY_MIN,
    }
    return http.page(request, "wallet/checkpoints.html", context)


def _number(text: str) -> int:
    """Read a size from an address; what is none is nowhere."""
    if not re.fullmatch("[0-9]{1,18}", text):
        raise Http404
    return int(text)


@login_not_required
@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """Return the newest signed head as text."""
    head = Checkpoint.objects.order_by("-size").first()
    return _note(head, caching="public, max-age=60")


@login_not_required
@require_safe
def head(request: HttpRequest, size: int) -> HttpResponse:
    """Return the signed head of that size as text."""
    return _note(Checkpoint.objects.filter(size=size).first(), caching=_FOR_GOOD)


def _note(head: Checkpoint | None, *, caching: str) -> HttpResponse:
    text = head.note if head else "No such checkpoint was published.\n"
    return HttpResponse(
        text,
        status=200 if head else 404,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": caching if head else "no-store"},
    )


@login_not_required
@require_safe
def consistency(request: HttpRequest) -> HttpResponse:
    """Prove that one published head begins with another: ?from=SIZE&to=SIZE."""
    key = http.client_ip(request)
    if not throttle.allow(scope="consistency", key=key, limit=_PROOFS_PER_MINUTE, window_s=60):
        return views.too_many(request)
    asked = [request.GET.get(name, "") for name in ("from", "to")]
    if not all(re.fullmatch("[0-9]{1,18}", text) for text in asked):
        return _refused(400, "Name the sizes of two published checkpoints: ?from=120&to=4000.")
    old, new = (Checkpoint.objects.filter(size=int(text)).first() for text in asked)
    if old is None or new is None:
        return _refused(404, "No checkpoint of that size was published.")
    if old.size > new.size:
        return _refused(400, "The first checkpoint must be the smaller one.")
    document = checkpoints.consistency(old=old, new=new)
    return JsonResponse(
        document, headers={"Cache-Control": _FOR_GOOD}, json_dumps_params={"indent": 2}
    )


def _refused(status: int, sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status, headers={"Cache-Control": "no-store"})
