"""
What to make of a bank's word, without a database: rules over what is known under the locks.

A Desk judges events one after another and remembers what it ruled, so that a thousand of them are
judged as if each had come alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from onramp.messages import Message
from onramp.models import BankEvent, OnRampTransaction

_Status = OnRampTransaction.Status
Verdict = BankEvent.Verdict

_OUTCOMES = {
    Verdict.CREDITED: BankEvent.Status.PROCESSED,
    Verdict.PAID_OUT: BankEvent.Status.PROCESSED,
    Verdict.RETURNED: BankEvent.Status.PROCESSED,
    Verdict.FAILED: BankEvent.Status.PROCESSED,
    Verdict.REPEATED: BankEvent.Status.IGNORED,
    Verdict.SETTLES_NOTHING: BankEvent.Status.IGNORED,
}
_AGREEING = {Verdict.REPEATED, Verdict.OTHER_REFERENCE}
_REFUSALS = {
    Verdict.UNKNOWN_TOKEN: (404, "We know no such token."),
    Verdict.TERMS_DIFFER: (422, "Amount or currency differs from what was asked."),
    Verdict.REFERENCE_TAKEN: (422, "That bank reference stands for another payment."),
    Verdict.OTHER_BODY: (422, "That webhook-id came before with another body."),
    Verdict.CONTRADICTION: (409, "That contradicts how the payment was settled."),
}


class Delivery(NamedTuple):
    """A webhook that was verified: its webhook-id, its body, and the headers that prove it."""

    event_id: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the bank is told: an HTTP status and the members of a JSON object."""

    status: int
    body: dict[str, str | bool]


@dataclass(slots=True)
class Asked:
    """An on-ramp as its locked row says, brought along as it is settled. Minor units."""

    pk: int
    public_id: UUID
    token: str
    wallet_id: int
    amount_minor: int
    currency: str
    bank: str
    status: str
    bank_reference: str | None


@dataclass(slots=True)
class Known:
    """An event that is kept, or will be: the first of its id, or (beside) one with another body."""

    digest: bytes
    verdict: BankEvent.Verdict | None  # None while it waits to be judged.
    onramp_id: int | None
    pk: int | None = None


@dataclass(slots=True)
class Ruling:
    """A new event with what was made of it; beside is the first event of its id, if it is not."""

    delivery: Delivery
    known: Known
    verdict: BankEvent.Verdict
    beside: Known | None = None


class Settled(NamedTuple):
    """An on-ramp that a message settles: the first word on it."""

    asked: Asked
    said: Message


@dataclass
class Desk:
    """What is known: on-ramps by token, events by id, and references that stand for a payment."""

    onramps: dict[str, Asked]
    firsts: dict[str, Known]
    others: set[tuple[str, bytes]]
    references: set[tuple[str, str]]
    rulings: list[Ruling] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)

    def awaits(self, said: Message) -> bool:
        """Whether the message is the first word on an on-ramp."""
        asked = self.onramps.get(said.token)
        return asked is not None and asked.status == _Status.PROCESSING

    def hear(self, delivery: Delivery, said: Message) -> Answer:
        """Judge one event, note the ruling if the event is new, and return its answer."""
        digest = sha256(delivery.body).digest()
        first = self.firsts.get(delivery.event_id)
        if first is None:
            verdict, onramp_id = self.rule(said)
            first = self.firsts[delivery.event_id] = Known(digest, verdict, onramp_id)
            self.rulings.append(Ruling(delivery, first, verdict))
            return _answer(verdict, said, is_copy=False)
        if first.digest == digest:
            return _answer(first.verdict, said, is_copy=True)
        return self._hear_other_body(delivery, said, digest, first)

    def _hear_other_body(
        self, delivery: Delivery, said: Message, digest: bytes, first: Known
    ) -> Answer:
        if (delivery.event_id, digest) not in self.others:
            self.others.add((delivery.event_id, digest))
            known = Known(digest, Verdict.OTHER_BODY, first.onramp_id)
            self.rulings.append(Ruling(delivery, known, Verdict.OTHER_BODY, beside=first))
        return _answer(Verdict.OTHER_BODY, said, is_copy=False)

    def rule(self, said: Message) -> tuple[BankEvent.Verdict, int | None]:
        """Judge the message; settle the on-ramp, on this desk, if it is the first word on it."""
        asked = self.onramps.get(said.token)
        if asked is None:
            return Verdict.UNKNOWN_TOKEN, None
        verdict = self._compare(asked, said)
        if verdict in (Verdict.CREDITED, Verdict.FAILED):
            self._settle(asked, said)
        return verdict, asked.pk

    def _settle(self, asked: Asked, said: Message) -> None:
        asked.status, asked.bank_reference = _status_said(said).value, said.bank_reference
        if said.bank_reference is not None:
            self.references.add((asked.bank, said.bank_reference))
        self.settled.append(Settled(asked, said))

    def _compare(self, asked: Asked, said: Message) -> BankEvent.Verdict:
        if (asked.amount_minor, asked.currency) != (said.amount_minor, said.currency):
            return Verdict.TERMS_DIFFER
        if asked.status == _Status.PROCESSING:
            if (asked.bank, said.bank_reference) in self.references:
                return Verdict.REFERENCE_TAKEN
            return Verdict.CREDITED if said.succeeded else Verdict.FAILED
        if asked.status != _status_said(said):
            return Verdict.CONTRADICTION
        if said.succeeded and asked.bank_reference != said.bank_reference:
            # It agrees, so it is answered as a copy; but the bank may have taken the money twice.
            return Verdict.OTHER_REFERENCE
        return Verdict.REPEATED


def _status_said(said: Message) -> OnRampTransaction.Status:
    return _Status.SUCCESS if said.succeeded else _Status.FAILURE


def _answer(verdict: BankEvent.Verdict | None, said: Message, *, is_copy: bool) -> Answer:
    return answer(verdict, _status_said(said).value, is_copy=is_copy)


def verdict_or_none(stored: str) -> BankEvent.Verdict | None:
    """Return the verdict of a stored event; one that waits has none."""
    return Verdict(stored) if stored else None


def outcome(verdict: BankEvent.Verdict) -> BankEvent.Status:
    """Return what becomes of an event: what is neither done nor known waits for staff."""
    return _OUTCOMES.get(verdict, BankEvent.Status.QUARANTINED)


def answer(verdict: BankEvent.Verdict | None, said: str, *, is_copy: bool) -> Answer:
    """Return what the bank is told; said is success, failure or returned."""
    if verdict is None:
        return Answer(status=202, body={"status": "queued", "duplicate": True})
    if verdict == Verdict.SETTLES_NOTHING:
        return Answer(status=200, body={"status": "ignored"})
    if verdict in _REFUSALS:
        status, text = _REFUSALS[verdict]
        return Answer(status=status, body={"error": verdict.value, "detail": text})
    body: dict[str, str | bool] = {"status": said}
    if is_copy or verdict in _AGREEING:
        body["duplicate"] = True
    return Answer(status=200, body=body)
