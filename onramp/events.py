"""What others may hear about, after COMMIT."""

from dataclasses import dataclass
from typing import ClassVar

from django.dispatch import Signal

from nexapay.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class OnRampSettled(Event):
    """A bank confirmed an on-ramp, and its money is in the wallet."""

    signal: ClassVar[Signal] = Signal(use_caching=True)
    onramp_id: int


@dataclass(frozen=True, kw_only=True)
class OnRampFailed(Event):
    """An on-ramp ended without money: declined by the bank, or out of time."""

    signal: ClassVar[Signal] = Signal(use_caching=True)
    onramp_id: int


@dataclass(frozen=True, kw_only=True)
class OffRampPaidOut(Event):
    """A bank has paid a withdrawal, and its money has left the wallet."""

    signal: ClassVar[Signal] = Signal(use_caching=True)
    offramp_id: int


@dataclass(frozen=True, kw_only=True)
class OffRampFailed(Event):
    """A bank did not pay a withdrawal, and its money may be spent again."""

    signal: ClassVar[Signal] = Signal(use_caching=True)
    offramp_id: int


@dataclass(frozen=True, kw_only=True)
class OffRampReturned(Event):
    """What a bank had paid came back, and is in the wallet again."""

    signal: ClassVar[Signal] = Signal(use_caching=True)
    offramp_id: int
