"""The one door without a CSRF token: banks come through it, and their signature is their key."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.request import HttpHeaders
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from nexapay.kernel import door, http, throttle
from nexapay.kernel.middleware import GetResponse
from onramp import banks, messages, services

_log = structlog.get_logger("nexapay.webhook")
_FORGED_PER_MINUTE = 60
_OUR_MISTAKES = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


class _TooLarge(Exception):
    """The body is over messages.MAX_BYTES."""


class _NoLength(Exception):
    """Nothing says where the body ends."""


_REFUSED = (_TooLarge, _NoLength, banks.Forged, banks.OddEventId, UnreadablePostError)


def banks_together(requests: Sequence[HttpRequest]) -> list[GetResponse | None]:
    """
    Take webhooks that came at once, in as few transactions as their kinds allow.

    Left are those that cannot be believed or understood, and all where a transaction failed. What
    it may have stored all the same is then answered as a copy, as when the bank sends it again.
    """
    adapter, now = banks.get_bank(), timezone.now()
    believed = [_believed(request, adapter, now) for request in requests]
    is_queued = settings.BANK_WEBHOOK_MODE == "queue"
    act = services.receive_bank_events if is_queued else services.record_bank_events
    try:
        answers = iter(act(bank=adapter.name, deliveries=[*filter(None, believed)], now=now))
    except Exception as error:  # Each comes alone now, and hears for itself what is wrong.
        _log.warning("not recorded together", bank=adapter.name, error=type(error).__name__)
        return [None] * len(requests)
    return [_saying(adapter, next(answers)) if delivery else None for delivery in believed]


def _believed(request: HttpRequest, adapter: banks.Bank, now: datetime) -> services.Delivery | None:
    try:
        return _delivery(request, adapter, now) if request.method == "POST" else None
    except _REFUSED:
        return None


def _saying(adapter: banks.Bank, answer: services.Answer) -> GetResponse | None:
    """Return what says it; nothing where it was not understood, which nobody stored."""
    return None if answer.status == 400 else lambda _: _say(adapter, answer)


@csrf_exempt
@login_not_required
@door.shared(banks_together)
def bank(request: HttpRequest) -> HttpResponse:
    """Take one webhook: verify, keep, apply, and answer in JSON as docs/interface.md says."""
    if request.method != "POST":
        return _refuse(405, "method_not_allowed", "Use POST.", Allow="POST")
    try:
        return _take(request)
    except (DatabaseError, InterfaceError) as error:
        if isinstance(error, _OUR_MISTAKES):
            raise
        # The database is away. Whether the event was kept is unknown; sent again, it is found out.
        _log.error("database", error=type(error).__name__)
        return _refuse(503, "unavailable", "Send it again.", **{"Retry-After": "5"})


def _take(request: HttpRequest) -> HttpResponse:
    adapter, now = banks.get_bank(), timezone.now()
    try:
        is_queued = settings.BANK_WEBHOOK_MODE == "queue"
        act = services.receive_bank_event if is_queued else services.record_bank_event
        delivery = _delivery(request, adapter, now)
        answer = act(bank=adapter.name, **delivery._asdict(), now=now)
    except _TooLarge:
        return _refuse(413, "too_large", f"The body is over {messages.MAX_BYTES} bytes.")
    except _NoLength:
        return _refuse(411, "length_required", "Send a body, with a Content-Length or in chunks.")
    except banks.Forged:
        return _refuse_forged(request)
    except banks.OddEventId:
        return _refuse(400, "malformed", "webhook-id is too long or has odd characters.")
    except UnreadablePostError:
        return _refuse(400, "malformed", "The body broke off.")
    except services.Malformed as error:
        return _refuse(400, "malformed", str(error))
    except services.Busy:
        return _refuse(503, "busy", "Send it again.", **{"Retry-After": "1"})
    return _say(adapter, answer)


def _delivery(request: HttpRequest, adapter: banks.Bank, now: datetime) -> services.Delivery:
    """Return what the bank sent; the bank's own error, or one of ours, for what it did not."""
    body, proof = _read(request), _proof(request, adapter)
    verified = adapter.verify_webhook(headers=proof, body=body, now=now)
    return services.Delivery(verified.event_id, body, proof | {"key-id": verified.key_id})


def _say(adapter: banks.Bank, answer: services.Answer) -> HttpResponse:
    if answer.status >= 400:
        _log.warning("quarantined", bank=adapter.name, verdict=answer.body["error"])
    return http.said(answer.status, answer.body)


def _read(request: HttpRequest) -> bytes:
    """Return the body, and read no more than we take: request.body would take 256 KiB."""
    claimed = request.META.get("CONTENT_LENGTH")
    if (
        claimed
        and claimed.isascii()
        and claimed.isdigit()
        and int(claimed[:9]) > messages.MAX_BYTES
    ):
        raise _TooLarge
    body = request.read(messages.MAX_BYTES + 1) if claimed else _read_chunks(request)
    if len(body) > messages.MAX_BYTES:
        raise _TooLarge
    return body


def _read_chunks(request: HttpRequest) -> bytes:
    """Return a body without a length, which Django takes for none: our server knows its end."""
    if not request.META.get("wsgi.input_terminated"):
        raise _NoLength
    try:
        body: bytes = request.META["wsgi.input"].read(messages.MAX_BYTES + 1)
    except Exception as error:  # A broken chunk: every server has exceptions of its own for it.
        raise UnreadablePostError(*error.args) from error
    if not body:
        raise _NoLength
    return body


def _proof(request: HttpRequest, adapter: banks.Bank) -> dict[str, str]:
    """Return the headers that prove the body, as far as they came; they are stored with it."""
    # Not from request.headers, which first makes a mapping of all that came.
    names = {name: HttpHeaders.to_wsgi_name(name) for name in adapter.proof}
    return {name: request.META[key] for name, key in names.items() if key in request.META}


def _refuse_forged(request: HttpRequest) -> HttpResponse:
    # Only what is forged is counted, so no number of genuine webhooks is ever too many.
    if throttle.allow(
        scope="forged-webhook",
        key=http.client_ip(request),
        limit=_FORGED_PER_MINUTE,
        window_s=60,
    ):
        return _refuse(401, "signature", "The signature or its time is missing or wrong.")
    return _refuse(429, "too_many", "Too many wrong signatures.", **{"Retry-After": "60"})


def _refuse(status: int, code: str, detail: str, **headers: str) -> HttpResponse:
    return http.said(status, {"error": code, "detail": detail}, **headers)
