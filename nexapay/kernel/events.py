"""Events: small facts, sent after COMMIT. What must not be lost is a row instead."""

from dataclasses import dataclass
from typing import ClassVar

from django.db import transaction
from django.dispatch import Signal


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact made of ids. Each subclass declares its own signal."""

    signal: ClassVar[Signal]


def publish(event: Event) -> None:
    """Send the event after commit. A listener that fails is logged and never reaches the caller."""
    if event.signal.has_listeners(type(event)):
        transaction.on_commit(lambda: _send(event), robust=True)


def _send(event: Event) -> None:
    event.signal.send_robust(type(event), event=event)
