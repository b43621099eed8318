"""The way to a bank whose page must be asked for by a form, and the way back from it."""

from typing import Any
from uuid import UUID

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from nexapay.kernel import http, money
from onramp.banks.razorpay import CHECKOUT_SALT

_MAX_AGE_S = 86_400


@require_safe
def checkout(request: HttpRequest, sealed: str) -> HttpResponseBase:
    """Offer the form that leads to Razorpay's page, filled by create_payment, while it is time."""
    try:
        said: dict[str, Any] = signing.loads(sealed, salt=CHECKOUT_SALT, max_age=_MAX_AGE_S)
    except signing.BadSignature as error:
        raise Http404 from error
    fields = said["fields"]
    context = {
        "flow": "Add money",
        "action": f"{settings.BANK_API_URL}/v1/checkout/embedded",
        "fields": fields,
        "amount": money.format(fields["amount"], fields["currency"]),
        "is_late": timezone.now().timestamp() >= said["until"],
    }

    def show(request: HttpRequest) -> HttpResponse:
        return http.page(request, "onramp/checkout.html", context)

    # The one page of ours whose form goes elsewhere.
    return csp_update({"form-action": [settings.BANK_API_URL]})(show)(request)


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def back(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Lead to the on-ramp's page. What the browser brings is not believed: the bank tells us."""
    return http.go(request, "onramp:detail", public_id)
