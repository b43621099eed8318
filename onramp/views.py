"""Adding money: the form, the way to the bank, and what became of it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from nexapay.kernel import http
from onramp import banks, pages, selectors, services
from onramp.banks import Payment
from onramp.forms import AddMoneyForm
from onramp.models import OnRampTransaction
from wallet import selectors as wallet_selectors


class Request(http.Request):
    """A request as it reaches these views: somebody is signed in."""

    user: User


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Request) -> HttpResponse:
    """Ask how much and from where; on POST, go to the bank."""
    wallet = wallet_selectors.primary_wallet(owner_id=request.user.pk)
    if wallet is None:
        return no_wallet(request)
    used_last = selectors.last_bank(wallet_id=wallet.pk)
    form = AddMoneyForm(
        request.POST if request.method == "POST" else None,
        currency=wallet.currency,
        initial={"bank": used_last or next(iter(banks.CHOICES))},
    )
    if form.is_valid():
        try:
            onramp = services.start_onramp(
                actor_id=request.user.pk,
                wallet_id=wallet.pk,
                now=timezone.now(),
                **form.arguments(),
            )
        except services.OnRampRefused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            return _to_bank(request, onramp)
    status = 422 if form.errors else 200
    context = pages.add(form, wallet, used_last=used_last)
    return http.page(request, "onramp/add.html", context, status=status)


@require_safe
def detail(request: Request, public_id: UUID) -> HttpResponse:
    """Show one on-ramp; while it is processing the page asks again by itself."""
    onramp = _onramp(request, public_id)
    return http.page(request, "onramp/detail.html", pages.detail(onramp))


@require_safe
def status(request: Request, public_id: UUID) -> HttpResponse:
    """Return the live part of the page alone; the whole page to whoever opens it as one."""
    onramp = _onramp(request, public_id)
    context = pages.detail(onramp)
    return http.page(request, "onramp/detail.html", context, partial="onramp/_fragment.html")


@require_POST
def continue_(request: Request, public_id: UUID) -> HttpResponse:
    """Go to the bank's page again, and make the payment known there if it is not yet."""
    onramp = _onramp(request, public_id)
    if not selectors.may_continue(onramp, timezone.now()):
        return http.go(request, reverse("onramp:detail", args=[public_id]))
    return _to_bank(request, onramp)


def _to_bank(request: Request, onramp: OnRampTransaction) -> HttpResponse:
    address = reverse("onramp:detail", args=[onramp.public_id])
    if not onramp.is_processing:
        return http.go(request, address)
    payment = Payment(
        token=onramp.token,
        amount_minor=onramp.amount_minor,
        currency=onramp.currency,
        bank=onramp.bank,
        reference=onramp.reference,
        expires_at=onramp.pay_before,
        # Back to the very host the person is on: only there are they signed in.
        return_url=request.build_absolute_uri(address),
    )
    try:
        return http.go(request, banks.get_bank().create_payment(payment))
    except banks.BankUnreachable:
        name = banks.name_of(onramp.bank)
        messages.error(request, f"{name} does not answer. Nothing was taken. Try again in a while.")
        return http.go(request, address)


def no_wallet(request: Request) -> HttpResponse:
    """Answer staff, who hold no money."""
    status = 403 if request.method == "POST" else 200
    return http.page(request, "wallet/no_wallet.html", status=status)


def _onramp(request: Request, public_id: UUID) -> OnRampTransaction:
    onramp = selectors.find(user_id=request.user.pk, public_id=public_id)
    if onramp is None:
        raise Http404
    return onramp
