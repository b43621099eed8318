"""Sending, step three: check, confirm, and every way that may end."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.db import OperationalError
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.models import User
from nexapay.kernel import db, http, links, money
from wallet import drafts, people, selectors, services
from wallet.drafts import Draft, Seen
from wallet.forms import SendForm
from wallet.models import Wallet
from wallet.views.access import Request, with_wallet
from wallet.views.send import amount_page

_log = structlog.get_logger("nexapay.wallet")
_GONE = "That payment is no longer open here. Nothing was sent. Start again."
_BUSY = "NexaPay is busy. Nothing was sent. Try again: it cannot be sent twice."


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: Request, key: UUID) -> HttpResponse:
    """Show what will be sent; on POST send exactly what was seen, once."""
    return _confirm(request, key) if request.method == "POST" else _show(request, key)


@with_wallet
def _show(request: Request, wallet: Wallet, key: UUID) -> HttpResponse:
    if sent := selectors.sent_with(actor_id=request.user.pk, key=key):
        return http.go(request, "wallet:receipt", sent.public_id)
    draft = drafts.find(request.session, key)
    if draft is None:
        messages.warning(request, _GONE)
        return http.go(request, "wallet:send")
    form = _form(request, wallet, key, draft, is_new=True)
    if not form.is_valid():
        return amount_page(request, wallet, form)
    seen = Seen(
        user_id=request.user.pk,
        key=str(key),
        source_id=wallet.pk,
        target_id=form.target.pk,  # type: ignore[union-attr]
        amount_minor=form.cleaned_data["amount"],
        currency=wallet.currency,
        note=form.cleaned_data["note"],
    )
    problem = _BUSY if "busy" in request.GET else ""
    typed = form.cleaned_data["to"]
    return _page(request, wallet, seen, form.person, typed=typed, problem=problem)


def _form(
    request: Request, wallet: Wallet, key: UUID, draft: Draft, *, is_new: bool = False
) -> SendForm:
    data = {**asdict(draft), "idempotency_key": str(key)}
    return SendForm(data, user_id=request.user.pk, wallet=wallet, is_new=is_new)


def _confirm(request: Request, key: UUID) -> HttpResponse:
    """Send what the token says; it names the wallets, and the payment looks at them itself."""
    try:
        seen = drafts.read_token(request.POST.get("token", ""), user_id=request.user.pk, key=key)
    except drafts.BadToken as refusal:
        return _unreadable(request, key, str(refusal))
    try:
        transfer = services.send_money(
            actor_id=seen.user_id,
            source_id=seen.source_id,
            target_id=seen.target_id,
            amount_minor=seen.amount_minor,
            note=seen.note,
            idempotency_key=key,
            now=timezone.now(),
        )
    except services.TransferRefused as refusal:
        return _refused(request, seen, refusal)
    except services.Busy:
        return _busy(request, seen)
    except OperationalError as error:
        if not _is_lost(error):
            raise
        _log.error("send outcome unknown", exc_info=error)
        return _unknown(request, seen)
    return _receipt(request, transfer.public_id)


def _is_lost(error: OperationalError) -> bool:
    """Say whether the connection went, so that nobody knows if the database did commit."""
    code = db.sqlstate(error)
    return code is None or code.startswith(("08", "57P"))


def _receipt(request: Request, public_id: UUID) -> HttpResponse:
    return http.go(request, f"{links.to('wallet:receipt', public_id)}?new=1")


@with_wallet
def _unreadable(request: Request, wallet: Wallet, key: UUID, problem: str) -> HttpResponse:
    """The token says nothing: lead to what the key did, or say that nothing was sent."""
    if sent := selectors.sent_with(actor_id=request.user.pk, key=key):
        return _receipt(request, sent.public_id)
    return _dead_end(request, key, problem)


@with_wallet
def _refused(
    request: Request, wallet: Wallet, seen: Seen, refusal: services.TransferRefused
) -> HttpResponse:
    """Say why on the page where it can be put right: the amount's, or this one."""
    owner = _owner(seen)
    if refusal.field is None or owner is None:
        return _page(request, wallet, seen, owner, problem=str(refusal), status=422)
    amount = money.typed(seen.amount_minor, seen.currency)
    draft = Draft(to=f"@{owner.handle}", amount=amount, note=seen.note)
    form = _form(request, wallet, UUID(seen.key), draft)
    # What the form finds says what to do; whether money moved, only we know.
    told = "Nothing was sent." if form.has_error(refusal.field) else str(refusal)
    form.add_error(refusal.field, told)
    return amount_page(request, wallet, form)


@with_wallet
def _busy(request: Request, wallet: Wallet, seen: Seen) -> HttpResponse:
    """Nothing moved. htmx swaps no 503 into a page, so it is led to one that says so."""
    if request.htmx:
        return http.go(request, f"{reverse('wallet:send_review', args=[seen.key])}?busy=1")
    return _page(request, wallet, seen, _owner(seen), problem=_BUSY, status=503)


def _unknown(request: Request, seen: Seen) -> HttpResponse:
    """The answer of the database was lost. Reads nothing: the database may be what is away."""
    context = {"flow": "Send money", "seen": seen, "token": seen.sign()}
    return http.page(request, "wallet/send_unknown.html", context, status=503)


def _dead_end(request: Request, key: UUID, problem: str) -> HttpResponse:
    """Say that this page cannot be confirmed, and lead back to where the draft still is."""
    draft = drafts.find(request.session, key)
    again = reverse("wallet:send_review", args=[key]) if draft else reverse("wallet:send")
    context = {"flow": "Send money", "problem": problem, "again": again}
    return http.page(request, "wallet/send_dead_end.html", context, status=422)


def _owner(seen: Seen) -> User | None:
    return Wallet.objects.select_related("owner").get(pk=seen.target_id).owner


def _page(
    request: Request,
    wallet: Wallet,
    seen: Seen,
    owner: User | None,
    *,
    typed: str = "",
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """Show what will be sent, and carry exactly that in the token."""
    found = people.describe(
        wallet_id=wallet.pk, user_id=request.user.pk, people=[owner] if owner else [], typed=typed
    )
    change = f"{reverse('wallet:send')}?draft={seen.key}"
    context: dict[str, Any] = {
        "flow": "Send money",
        "step": 3,
        "seen": seen,
        "token": seen.sign(),
        "payee": found[0] if found else None,
        "left_minor": wallet.balance.available_minor - seen.amount_minor,
        "problem": problem,
        "change": change,
        "back": f"{change}&to=@{owner.handle}" if owner else change,
    }
    return http.page(request, "wallet/send_review.html", context, status=status)
