"""The bank's own pages: to approve or decline, and to have it misbehave. Not NexaPay's."""

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from nexapay.kernel import http
from onramp.simbank import payouts, scenarios, services
from onramp.simbank.models import Payment

_ONE_OF = "Choose one of the ways below. Nothing was changed."
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
    scenario = forms.ChoiceField(
        choices=[(name, name) for name in scenarios.SCENARIOS],
        required=False,
        error_messages={"invalid_choice": "Choose one of the ways below. No money was taken."},
    )


class ScenarioForm(forms.Form):
    """How the bank shall behave from now on."""

    scenario = forms.ChoiceField(
        choices=[(name, name) for name in (scenarios.CALM, *scenarios.SCENARIOS)],
        error_messages={"required": _ONE_OF, "invalid_choice": _ONE_OF},
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def misbehaviour(request: HttpRequest) -> HttpResponse:
    """Say how the bank behaves towards everybody; on POST, which is for staff, change it."""
    if settings.BANK != "simbank":
        raise Http404
    is_staff = request.user.is_active and getattr(request.user, "is_staff", False)
    if request.method == "POST" and not is_staff:
        raise PermissionDenied
    form = ScenarioForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        scenarios.choose(name=form.cleaned_data["scenario"], now=timezone.now())
        return http.go(request, "simbank:scenarios")
    context = {
        "scenarios": scenarios.SCENARIOS.values(),
        "active": scenarios.active(),
        "form": form,
        "may_choose": is_staff,
        "failing": payouts.FAILING,
        "returning": payouts.RETURNING,
    }
    status = 422 if form.errors else 200
    return http.page(request, "simbank/scenarios.html", context, status=status)


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
            scenario=form.cleaned_data["scenario"],
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
        "scenarios": scenarios.SCENARIOS.values(),
        "state": Payment.Status.EXPIRED.value if is_late else payment.status,
    }
    status = 422 if form.errors else 200
    return http.page(request, "simbank/pay.html", context, status=status)
