"""The bank's API for merchants, with the paths that `manage simbank` serves. JSON in, JSON out."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from onramp.simbank import payouts, services, statements
from onramp.simbank.models import Payment, Payout
from onramp.simbank.payouts import PayoutTerms
from onramp.simbank.services import BRANDS, Terms
from onramp.simbank.troubles import spoil

_MAX_BYTES = 16 * 1024
_UNKNOWN = "unknown_token"  # Says that we know the path, and not the token.
_CONTROLS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
_FORMS = {
    "token": re.compile(r"[A-Za-z0-9_-]{16,128}"),
    "currency": re.compile(r"[A-Z]{3}"),
    "bank": re.compile(r"[a-z]{1,32}"),
    "reference": re.compile(r"[A-Za-z0-9-]{1,64}"),
    "expires_at": re.compile(r"[0-9T:.+Z-]{20,40}"),
    "account_holder": re.compile(rf"[^{_CONTROLS}]{{0,50}}[^\s{_CONTROLS}][^{_CONTROLS}]{{0,49}}"),
    "account_number": re.compile(r"[A-Za-z0-9]{4,34}"),
    "return_url": re.compile(r"https?://[!-~]{1,480}"),
}
_View = Callable[..., HttpResponseBase]


class _Malformed(Exception):
    """The request is not one we understand. The text is for the merchant's engineers."""


def _guarded(method: str) -> Callable[[_View], _View]:
    """Let in that method with our API key, and turn what is malformed into 400."""

    def guard(view: _View) -> _View:
        @csrf_exempt
        @login_not_required
        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
            if not _has_key(request):
                return _error(401, "The API key is missing or wrong.")
            if request.method != method:
                return _error(405, f"Use {method}.")
            try:
                return view(request, **kwargs)
            except _Malformed as error:
                return _error(400, str(error))

        return guarded

    return guard


def _has_key(request: HttpRequest) -> bool:
    offered = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
    return compare_digest(offered, f"Bearer {settings.BANK_API_KEY}".encode())


@_guarded("POST")
def create(request: HttpRequest) -> HttpResponseBase:
    """Take a payment: 201, or 200 when the token is known with the same terms, else 409."""
    asked = _read(request)
    try:
        payment, is_new = services.create_payment(
            terms=_terms(asked), return_url=_url(asked), now=timezone.now()
        )
    except services.TermsDiffer:
        return _error(409, "That token stands for other terms.")
    return spoil(payment, JsonResponse(_payment(payment), status=201 if is_new else 200))


@_guarded("POST")
def create_payout(request: HttpRequest) -> HttpResponseBase:
    """Take a payout: 201, or 200 when the token is known with the same terms, else 409."""
    terms = _payout_terms(_read(request))
    try:
        payout, is_new = payouts.create_payout(terms=terms, now=timezone.now())
    except services.TermsDiffer:
        return _error(409, "That token stands for other terms.")
    return spoil(payout, JsonResponse(_payout(payout), status=201 if is_new else 200))


@_guarded("GET")
def look(request: HttpRequest, *, token: str) -> HttpResponseBase:
    """Say how a payment stands."""
    payment = Payment.objects.filter(token=token).first()
    if payment is None:
        return _error(404, "We know no such payment.", code=_UNKNOWN)
    return spoil(payment, JsonResponse(_payment(payment)))


@_guarded("GET")
def look_at_payout(request: HttpRequest, *, token: str) -> HttpResponseBase:
    """Say how a payout stands."""
    payout = Payout.objects.filter(token=token).first()
    if payout is None:
        return _error(404, "We know no such payout.", code=_UNKNOWN)
    return spoil(payout, JsonResponse(_payout(payout)))


@_guarded("GET")
def statement(request: HttpRequest, *, day: str) -> HttpResponseBase:
    """Publish what we booked on a day, in one of statements.FORMATS."""
    kind = request.GET.get("format", "csv")
    if kind not in statements.FORMATS:
        raise _Malformed("format is not one of ours.")
    content_type, lines = statements.FORMATS[kind]
    return StreamingHttpResponse(lines(_day(day)), content_type=content_type)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer any other path."""
    return _error(404, "There is nothing here.")


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer our own fault, such as a database that is away."""
    return _error(500, "Something went wrong on our side. Ask again.")


def _read(request: HttpRequest) -> dict[str, Any]:
    body = request.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise _Malformed("The body is too large.")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _Malformed("The body is not JSON.") from error
    if not isinstance(asked, dict):
        raise _Malformed("The body is not an object.")
    return asked


def _terms(asked: dict[str, Any]) -> Terms:
    return Terms(**_common(asked), expires_at=_instant(asked))


def _payout_terms(asked: dict[str, Any]) -> PayoutTerms:
    return PayoutTerms(
        **_common(asked),
        account_holder=_text(asked, "account_holder"),
        account_number=_text(asked, "account_number"),
    )


def _common(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the terms that payments and payouts have in common."""
    amount_minor = asked.get("amount_minor")
    if type(amount_minor) is not int or not 0 < amount_minor <= 10**15:
        raise _Malformed("amount_minor is missing or out of range.")
    brand = _text(asked, "bank")
    if brand not in BRANDS:
        raise _Malformed("bank is not one of ours.")
    return {
        "token": _text(asked, "token"),
        "amount_minor": amount_minor,
        "currency": _text(asked, "currency"),
        "brand": brand,
        "reference": _text(asked, "reference"),
    }


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not _FORMS[name].fullmatch(value):
        raise _Malformed(f"{name} is missing or malformed.")
    return value


def _instant(asked: dict[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(_text(asked, "expires_at"))
    except ValueError as error:
        raise _Malformed("expires_at is malformed.") from error
    if at.tzinfo is None:
        raise _Malformed("expires_at has no time zone.")
    return at


def _day(said: str) -> date:
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise _Malformed("That is no day.") from error
    if not 2000 <= day.year < 2200:
        raise _Malformed("That day is not in our books.")
    return day


def _url(asked: dict[str, Any]) -> str:
    url = _text(asked, "return_url")
    try:
        urlsplit(url)
    except ValueError as error:
        raise _Malformed("return_url is malformed.") from error
    return url


def _payment(payment: Payment) -> dict[str, Any]:
    return {
        "token": payment.token,
        "status": payment.status,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "bank": payment.brand,
        "bank_reference": payment.bank_reference,
        "reason": services.REASONS.get(Payment.Status(payment.status)),
        "expires_at": payment.expires_at.isoformat(),
    }


def _payout(payout: Payout) -> dict[str, Any]:
    return {
        "token": payout.token,
        "status": payout.status,
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
        "bank": payout.brand,
        "bank_reference": payout.bank_reference,
        "reason": payouts.REASONS.get(Payout.Status(payout.status)),
    }


def _error(status: int, detail: str, **more: str) -> JsonResponse:
    return JsonResponse({"error": detail, **more}, status=status)


urlpatterns = [
    path("api/payments", create),
    path("api/payments/<slug:token>", look),
    path("api/payouts", create_payout),
    path("api/payouts/<slug:token>", look_at_payout),
    path("api/statements/<slug:day>", statement),
]
handler404 = not_found
handler500 = server_error
