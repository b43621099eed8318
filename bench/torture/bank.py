"""A bank's side of the wire: webhooks signed as Standard Webhooks says, with the site's secret."""

import base64
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import httpx
from standardwebhooks.webhooks import Webhook

from bench.torture.clients import at_once
from bench.torture.records import Act, Outcome, Records

URL = "/webhooks/bank/"
_LATE = timedelta(seconds=301)  # One second more than the site forgives.


@dataclass(frozen=True)
class Message:
    """One webhook as it goes out: the event's id, when it says it was sent, its body and key."""

    event_id: str
    body: str
    secret: str
    sent: timedelta = timedelta()  # How far from now the timestamp is.
    instead: str = ""  # What is put in the place of the body once that is signed.
    pays: bool = True  # False: it says that the payment failed.

    @property
    def posted(self) -> str:
        """What goes over the wire."""
        return self.instead or self.body

    def headers(self) -> dict[str, str]:
        """Sign it, now."""
        at = datetime.now(UTC) + self.sent
        signature = Webhook(self.secret).sign(self.event_id, at, self.body)
        stamp = str(int(at.timestamp()))
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        return dict(zip(names, (self.event_id, stamp, signature), strict=True))


class Bank:
    """Says things about credits, once or many times, honestly or not."""

    def __init__(self, address: str, secret: str, records: Records) -> None:
        self._http = httpx.Client(
            base_url=address,
            timeout=httpx.Timeout(10, connect=2),
            limits=httpx.Limits(max_connections=100),
            trust_env=False,
        )
        self._secret = secret
        self._records = records
        self._messages: dict[str, Message] = {}

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def message(self, credit: Act, kind: str = "success") -> Message:
        """Return the one webhook that says how a credit ended."""
        data = {
            "token": credit.token,
            "amount_minor": credit.amount_minor,
            "currency": "INR",
            "bank_reference": f"TORTURE-{credit.key}",
            "reason": None if kind == "success" else "declined by customer",
        }
        said = {"type": f"onramp.{kind}", "timestamp": "2026-11-21T00:00:00Z", "data": data}
        pays = kind == "success"
        return Message(f"evt_{uuid4().hex}", json.dumps(said), self._secret, pays=pays)

    def payment(self, credit: Act) -> Message:
        """Return the one webhook that says that a credit was paid: always the same event."""
        return self._messages.setdefault(credit.key, self.message(credit))

    def pay(self, credit: Act) -> None:
        """Say that it was paid; said again, it is the same event."""
        self.deliver(credit, self.payment(credit))

    def deliver(self, credit: Act, message: Message) -> int:
        """Deliver a webhook and return the status; note what it does, unless it moves no money."""
        if not message.pays:
            return self._post(message).status_code
        with self._records.trying(credit) as tried:
            answer = self._post(message)
            said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            if answer.status_code == 200 and said.get("status") == "success":
                tried.judge(Outcome.ACKED, why=str(answer.status_code))
            elif answer.status_code in (400, 401, 404, 409, 422, 429):
                tried.judge(Outcome.REFUSED, why=str(answer.status_code))
            else:
                tried.judge(Outcome.UNKNOWN, why=str(answer.status_code))
        return answer.status_code

    def _post(self, message: Message) -> httpx.Response:
        return self._http.post(URL, content=message.posted, headers=message.headers())

    def forgeries(self, credit: Act) -> Iterable[Message]:
        """Yield webhooks for a credit that nothing proves the bank has sent."""
        good = self.message(credit)
        other = base64.b64encode(secrets.token_bytes(32)).decode()
        yield replace(good, secret=f"whsec_{other}")
        failure = self.message(credit, "failure")
        yield replace(failure, instead=good.body, pays=True)
        yield from self.untimely(credit)

    def untimely(self, credit: Act) -> Iterable[Message]:
        """Yield webhooks that are signed well, and said too long ago or too far ahead."""
        good = self.message(credit)
        yield replace(good, sent=-_LATE)
        yield replace(good, sent=2 * _LATE)

    def deliver_at_once(self, deliveries: list[tuple[Act, Message]]) -> list[int]:
        """Deliver all of them at the same time; return the statuses of those that were answered."""
        tasks = [partial(self.deliver, credit, message) for credit, message in deliveries]
        return [status for status in at_once(tasks) if status]

    def knows(self, credit: Act) -> bool:
        """Whether this bank pays the credit, and no person at the bank's page."""
        return credit.key in self._messages
