"""Sending, steps one and two: whom to pay, and how much. Nothing moves here."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from nexapay.kernel import http, ids, text, throttle, views
from wallet import drafts, people, selectors
from wallet.drafts import Draft
from wallet.forms import NOTE_MAX_LENGTH, PayeeForm, PeopleForm, SendForm
from wallet.models import Wallet
from wallet.views.access import Request, with_wallet

_CHIPS_MINOR = (100_00, 500_00, 1_000_00, 2_000_00)
_FACES, _LISTED = 8, 20


@require_http_methods(["GET", "HEAD", "POST"])
@with_wallet
def send(request: Request, wallet: Wallet) -> HttpResponse:
    """Ask whom to pay, then how much; a good answer goes on to the review page."""
    if request.method == "POST":
        return _take(request, wallet)
    if request.GET.get("to"):
        return _ask_amount(request, wallet)
    return _ask_person(request, wallet)


@require_safe
@with_wallet
def send_people(request: Request, wallet: Wallet) -> HttpResponse:
    """Answer the search as one types: people, never a list of everybody."""
    return _ask_person(request, wallet)


def _ask_person(
    request: Request, wallet: Wallet, *, typed: str | None = None, problem: str = ""
) -> HttpResponse:
    """Show who may be paid. typed and problem are of a person that could not be found."""
    form = PeopleForm({"q": typed} if problem else request.GET)
    query = form.cleaned_data["q"] if form.is_valid() and not problem else ""
    looks = len(query) >= people.QUERY_MIN_LENGTH
    if looks and not throttle.allow(
        scope="people", key=str(request.user.pk), limit=60, window_s=60
    ):
        return views.too_many(request)
    draft = _draft_key(request)
    context: dict[str, Any] = {
        "flow": "Send money",
        "step": 1,
        "form": form,
        "query": query if looks else "",
        "problem": problem or next((str(error) for error in form["q"].errors), ""),
        "draft": draft,
    }
    if looks:
        context["found"] = people.search(wallet_id=wallet.pk, user_id=request.user.pk, query=query)
    else:
        context |= _known(wallet, draft=draft)
    status = 422 if context["problem"] else 200
    return http.page(
        request, "wallet/send.html", context, partial="wallet/_people.html", status=status
    )


def _known(wallet: Wallet, *, draft: str) -> dict[str, Any]:
    """Return whom the wallet dealt with last, and whom it has paid."""
    contacts = people.contacts(wallet_id=wallet.pk)
    carried = f"&draft={draft}" if draft else ""
    faces = [
        {
            "url": f"{reverse('wallet:send')}?to=@{contact.person.handle}{carried}",
            "name": contact.person.name,
            "first_name": contact.person.first_name,
        }
        for contact in contacts[:_FACES]
    ]
    return {"faces": faces, "paid": [c for c in contacts if c.last_paid_at][:_LISTED]}


def _draft_key(request: Request) -> str:
    """Return the key of the draft that the address names, if we keep it and nothing was sent."""
    try:
        key = UUID(request.GET.get("draft", ""))
    except ValueError:
        return ""
    if not drafts.find(request.session, key):
        return ""
    return "" if selectors.sent_with(actor_id=request.user.pk, key=key) else str(key)


def _ask_amount(request: Request, wallet: Wallet) -> HttpResponse:
    payee = PayeeForm(request.GET, user_id=request.user.pk, wallet=wallet)
    if not payee.is_valid():
        if refused := _too_many_strangers(request, payee):
            return refused
        typed = text.echo(request.GET["to"])
        return _ask_person(request, wallet, typed=typed, problem=str(payee.errors["to"][0]))
    key = _draft_key(request)
    draft = drafts.find(request.session, UUID(key)) if key else None
    form = SendForm(
        initial={
            "to": payee.cleaned_data["to"],
            "amount": draft.amount if draft else "",
            "note": draft.note if draft else "",
            "idempotency_key": key or ids.new(),
        },
        user_id=request.user.pk,
        wallet=wallet,
    )
    form.person = payee.person
    return amount_page(request, wallet, form, typed=payee.cleaned_data["to"])


def _take(request: Request, wallet: Wallet) -> HttpResponse:
    form = SendForm(request.POST, user_id=request.user.pk, wallet=wallet)
    if not form.is_valid():
        refused = _too_many_strangers(request, form)
        return refused or amount_page(request, wallet, form)
    if form.earlier:
        return http.go(request, "wallet:receipt", form.earlier.public_id)
    key = form.cleaned_data["idempotency_key"]
    typed = {name: text.echo(request.POST.get(name, "")) for name in ("to", "amount", "note")}
    drafts.keep(request.session, key, Draft(**typed))
    return http.go(request, "wallet:send_review", key)


def _too_many_strangers(request: Request, form: PayeeForm) -> HttpResponse | None:
    """Refuse who names too many people that are not there: they are trying numbers out."""
    if not form.has_error("to", "unknown"):
        return None
    key = str(request.user.pk)
    if throttle.allow(scope="strangers", key=key, limit=300, window_s=3600):
        return None
    return views.too_many(request)


def amount_page(
    request: Request, wallet: Wallet, form: SendForm, *, typed: str | None = None
) -> HttpResponse:
    """Ask how much, with what was typed and what is wrong with it."""
    person = None if form.has_error("to") else form.person
    typed = form.cleaned_data.get("to", "") if form.is_bound else typed or ""
    payee = None
    if person:
        described = people.describe(
            wallet_id=wallet.pk, user_id=request.user.pk, people=[person], typed=typed
        )
        payee = described[0]
    key = ids.new() if form.has_error("idempotency_key") else form["idempotency_key"].value()
    change = reverse("wallet:send")
    if drafts.find(request.session, key):
        change += f"?draft={key}"
    context = {
        "flow": "Send money",
        "step": 2,
        "back": change,
        "change": change,
        "form": form,
        "payee": payee,
        "amount_hint": selectors.balance_in_words(wallet),
        "note_hint": f"{payee.first_name if payee else 'The person'} sees this. "
        f"Up to {NOTE_MAX_LENGTH} characters.",
        "chips": _CHIPS_MINOR,
        "key": key,
    }
    status = 422 if form.errors else 200
    return http.page(request, "wallet/send_amount.html", context, status=status)
