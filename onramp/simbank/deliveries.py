"""Webhooks on their way out: signed, posted, and tried again until the merchant answers."""

from datetime import UTC, datetime, timedelta
from random import SystemRandom
from threading import Event

import httpx
import structlog
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from onramp.simbank import tricks
from onramp.simbank.models import Delivery

POLL_S = 0.25
_TIMEOUT = httpx.Timeout(4, connect=1)
_LONGEST_WAIT_S = 60
# These 4xx say "not now". Any other says that sending the same again is of no use.
_PASSING = {401, 408, 425, 429}
_log = structlog.get_logger("nexapay.simbank")
_random = SystemRandom()


def client() -> httpx.Client:
    """Return what deliveries are posted with: short timeouts, no redirects, no proxies."""
    return httpx.Client(timeout=_TIMEOUT, trust_env=False)


def deliver_next(http: httpx.Client, *, now: datetime) -> bool:
    """
    Try the delivery that has been due longest; return whether there was one.

    Its row stays locked while it is out, so no two workers ever send the same one at once; if this
    process dies, the lock dies with it and the next worker takes over.
    """
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(skip_locked=True)
            .filter(status=Delivery.Status.WAITING, next_attempt_at__lte=now)
            .order_by("next_attempt_at")
            .first()
        )
        if delivery is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
        _note(delivery, _post(http, delivery, now), now)
    return True


def _post(http: httpx.Client, delivery: Delivery, now: datetime) -> int | None:
    """Return the merchant's answer, or None if there was none."""
    try:
        answer = http.post(
            settings.BANK_WEBHOOK_URL,
            content=tricks.content(delivery),
            headers=_headers(delivery, now),
        )
    except (httpx.HTTPError, tricks.Dropped):
        return None
    return answer.status_code


def _headers(delivery: Delivery, now: datetime) -> dict[str, str]:
    at = tricks.clock(delivery, now).astimezone(UTC)
    # While secrets are rotated the merchant may know either, so we sign with all of them.
    signatures = [
        Webhook(secret).sign(delivery.event_id, at, delivery.body)
        for secret in tricks.secrets(delivery)
    ]
    return {
        "content-type": "application/json",
        "content-length": str(len(delivery.body.encode())),
        "user-agent": "simbank/1",
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _note(delivery: Delivery, answer: int | None, now: datetime) -> None:
    delivery.attempts += 1
    delivery.last_status = answer
    if answer is not None and 200 <= answer < 300:
        delivery.status, delivery.delivered_at = Delivery.Status.DELIVERED, now
    elif delivery.trick == "half_open":
        delivery.status = Delivery.Status.LOST
    elif answer is not None and _is_final(delivery, answer):
        delivery.status = Delivery.Status.REFUSED
        _log.warning("refused", delivery=delivery.event_id, answer=answer)
    else:
        delivery.next_attempt_at = now + timedelta(seconds=wait_s(delivery.attempts))
    delivery.save(
        update_fields=["attempts", "last_status", "status", "delivered_at", "next_attempt_at"]
    )


def _is_final(delivery: Delivery, answer: int) -> bool:
    """Whether the same, sent again, would be answered the same."""
    return 400 <= answer < 500 and (answer not in _PASSING or delivery.trick in tricks.REFUSED)


def wait_s(attempts: int) -> float:
    """Return how long to wait after that many attempts: doubling from a second, with jitter."""
    return float(min(2 ** min(attempts - 1, 10), _LONGEST_WAIT_S) * _random.uniform(0.5, 1))


def run(stop: Event) -> None:
    """Deliver until stop is set. A database that goes away is waited for."""
    with client() as http:
        while not stop.is_set():
            try:
                if not deliver_next(http, now=timezone.now()):
                    stop.wait(POLL_S)
            except Error as error:
                wait_for_database(stop, error)
    connection.close()


def wait_for_database(stop: Event, error: Exception) -> None:
    """Drop the connection that failed, and give the database a moment."""
    _log.warning("database", error=type(error).__name__)
    connection.close()
    stop.wait(1)
