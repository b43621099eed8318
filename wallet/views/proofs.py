"""The proof of one movement, for whoever it belongs to."""

from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from nexapay.kernel import http, throttle, views
from wallet import checkpoints, selectors
from wallet.models import Wallet
from wallet.views.access import Request, with_wallet

_PROOFS_PER_MINUTE = 60


@require_safe
@with_wallet
def proof(request: Request, wallet: Wallet, public_id: UUID) -> HttpResponse:
    """Hand out the proof as a file; before a checkpoint covers it, say when one is due."""
    entry = checkpoints.entry_of(wallet_id=wallet.pk, public_id=public_id)
    if entry is None:
        raise Http404
    key = str(request.user.pk)
    if not throttle.allow(scope="proof", key=key, limit=_PROOFS_PER_MINUTE, window_s=60):
        return views.too_many(request)
    document = checkpoints.receipt_proof(entry)
    if document is None:
        return _not_yet(request, public_id)
    name = f"{selectors.reference(public_id)}-proof.json"
    return JsonResponse(
        document,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        json_dumps_params={"indent": 2, "ensure_ascii": False},
    )


def _not_yet(request: Request, public_id: UUID) -> HttpResponse:
    context = {
        "flow": "Proof",
        "back": reverse("wallet:receipt", args=[public_id]),
        "due": checkpoints.next_due(timezone.now()),
    }
    return http.page(request, "wallet/proof_not_yet.html", context)
