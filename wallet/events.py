"""What others may hear about, after COMMIT."""

from dataclasses import dataclass
from typing import ClassVar

from django.dispatch import Signal

from nexapay.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class TransferPosted(Event):
    """A transfer is in the books. Of what a bank confirmed for an on-ramp, OnRampSettled tells."""

    signal: ClassVar[Signal] = Signal(use_caching=True)
    transfer_id: int
