"""The bank's own page, where its customer approves or declines. Not NexaPay's."""

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from nexapay.kernel import http
from onramp.simbank import services
from onramp.simbank.models import Payment

_CHOOSE = "Choose Approve or Decline. No money was taken."


class DecisionForm(forms.Form):
    """What the customer decides, and how the bank shall tell the merchant."""

    decision = forms.ChoiceField(
        choices=[("approve", "Approve"), ("decline", "Decline")],
        error_messages={"required": _CHOOSE, "invalid_choice": _CHOOSE},
    )
    mode = forms.ChoiceField(
        choices=[(mode, mode) for mode in services.MODES],
        required=False,
        error_messages={"invalid_choice": "Choose one of the ways below. No money was taken."},
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """Show one payment; on POST, decide it and send the customer back to the merchant."""
    if settings.BANK != "simbank":
        raise Http404
    payment = get_object_or_404(Payment, token=token)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        payment = services.decide(
            token=token,
            is_approved=form.cleaned_data["decision"] == "approve",
            mode=form.cleaned_data["mode"] or "now",
            now=timezone.now(),
        )
        if payment.status != Payment.Status.EXPIRED:
            return http.go(request, payment.return_url)
    return _page(request, payment, form)


def _page(request: HttpRequest, payment: Payment, form: DecisionForm) -> HttpResponse:
    is_late = payment.is_awaiting and timezone.now() >= payment.expires_at
    context = {
        "payment": payment,
        "brand": services.BRANDS[payment.brand],
        "account": services.ACCOUNTS[payment.brand],
        "form": form,
        "state": Payment.Status.EXPIRED.value if is_late else payment.status,
    }
    status = 422 if form.errors else 200
    return http.page(request, "simbank/pay.html", context, status=status)
