"""Withdrawing: the form, the accounts it goes to, and what became of it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nexapay.kernel import http, throttle
from nexapay.kernel.db import Busy
from onramp import selectors, services, withdraw_pages
from onramp.forms import AccountForm, WithdrawForm
from onramp.models import OffRampTransaction
from onramp.services.cooling import cooling_off
from onramp.views import Request, no_wallet
from wallet import selectors as wallet_selectors

_ADDED_PER_DAY = 30


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: Request) -> HttpResponse:
    """Ask how much and where to; on POST, hold the money and go to the withdrawal."""
    wallet = wallet_selectors.primary_wallet(owner_id=request.user.pk)
    if wallet is None:
        return no_wallet(request)
    mine = selectors.accounts(user_id=request.user.pk)
    form = WithdrawForm(
        request.POST if request.method == "POST" else None,
        currency=wallet.currency,
        accounts=mine,
        # Among several the person chooses: none is guessed.
        initial={"account": str(mine[0].public_id) if len(mine) == 1 else ""},
    )
    if form.is_valid():
        try:
            offramp = services.request_withdrawal(
                actor_id=request.user.pk,
                wallet_id=wallet.pk,
                now=timezone.now(),
                **form.arguments(),
            )
        except services.WithdrawalRefused as refusal:
            form.add_error(refusal.field, str(refusal))
        except Busy as busy:
            form.add_error(None, str(busy))
        else:
            return http.go(request, reverse("onramp:withdrawal", args=[offramp.public_id]))
    cooling = cooling_off(owner_id=request.user.pk, now=timezone.now())
    context = withdraw_pages.ask(form, wallet, mine, cooling)
    return http.page(request, "onramp/withdraw.html", context, status=422 if form.errors else 200)


@require_safe
def detail(request: Request, public_id: UUID) -> HttpResponse:
    """Show one withdrawal; while it is under way the page asks again by itself."""
    context = withdraw_pages.detail(_withdrawal(request, public_id))
    return http.page(request, "onramp/withdrawal.html", context)


@require_safe
def status(request: Request, public_id: UUID) -> HttpResponse:
    """Return the live part of the page alone; the whole page to whoever opens it as one."""
    context = withdraw_pages.detail(_withdrawal(request, public_id))
    partial = "onramp/_withdrawal_fragment.html"
    return http.page(request, "onramp/withdrawal.html", context, partial=partial)


@require_POST
def cancel(request: Request, public_id: UUID) -> HttpResponse:
    """Cancel it, while it can be; either way, go back to it."""
    offramp = _withdrawal(request, public_id)
    try:
        services.cancel_withdrawal(
            actor_id=request.user.pk, offramp_id=offramp.pk, now=timezone.now()
        )
    except (services.NotCancelled, Busy) as refusal:
        messages.error(request, str(refusal))
    return http.go(request, reverse("onramp:withdrawal", args=[public_id]))


@require_http_methods(["GET", "HEAD", "POST"])
def accounts(request: Request) -> HttpResponse:
    """Show the accounts one may withdraw to; on POST, add one."""
    wallet = wallet_selectors.primary_wallet(owner_id=request.user.pk)
    if wallet is None:
        return no_wallet(request)
    form = AccountForm(
        request.POST if request.method == "POST" else None,
        initial={"holder": request.user.name},
    )
    if form.is_valid() and _add(request, form):
        messages.success(request, "The account is added.")
        return http.go(request, reverse("onramp:withdraw"))
    mine = selectors.accounts(user_id=request.user.pk)
    cooling = cooling_off(owner_id=request.user.pk, now=timezone.now())
    context = withdraw_pages.accounts(form, wallet, mine, cooling)
    return http.page(request, "onramp/accounts.html", context, status=422 if form.errors else 200)


def _add(request: Request, form: AccountForm) -> bool:
    """Add the account, or say in the form why not; return whether it is there now."""
    # Rows stay when they are removed, so adding and removing must come to an end.
    if not throttle.allow(
        scope="bank-account", key=str(request.user.pk), limit=_ADDED_PER_DAY, window_s=86_400
    ):
        form.add_error(None, "You added many accounts today. Try again tomorrow.")
        return False
    try:
        services.add_account(owner_id=request.user.pk, now=timezone.now(), **form.arguments())
    except services.AccountRefused as refusal:
        form.add_error(refusal.field, str(refusal))
        return False
    return True


@require_POST
def remove(request: Request, public_id: UUID) -> HttpResponse:
    """Take an account off the list."""
    mine = {each.public_id: each for each in selectors.accounts(user_id=request.user.pk)}
    if public_id not in mine:
        raise Http404
    services.remove_account(
        owner_id=request.user.pk, account_id=mine[public_id].pk, now=timezone.now()
    )
    messages.success(request, "The account is removed. What is on its way there goes on.")
    return http.go(request, reverse("onramp:accounts"))


def _withdrawal(request: Request, public_id: UUID) -> OffRampTransaction:
    offramp = selectors.find_withdrawal(user_id=request.user.pk, public_id=public_id)
    if offramp is None:
        raise Http404
    return offramp
