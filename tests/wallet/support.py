"""Posting through the journal itself, past the services."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from wallet import audit, journal, services
from wallet.journal import Movement
from wallet.models import Transfer, Wallet

# The checks of the books and the triggers of the app above: what is posted here was asked for by
# nobody.
UNASKED = {
    "credits from banks were asked for",
    "payouts and returns were asked for",
    "corrections were agreed on by two",
}


def without_onramps() -> None:
    """Leave the wallet to itself, until the transaction is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER transfer_was_asked_for ON wallet_transfer")


def bank(name: str = "Banyan Bank") -> Wallet:
    """Return the wallet that stands for a bank."""
    return services.settlement_wallet(bank=name, currency="INR")


def movement(source: Wallet, target: Wallet, amount_minor: int = 10, **terms: Any) -> Movement:
    """Return what tests.factories.send would ask for, or a bank's credit."""
    usual = {
        "kind": Transfer.Kind.SEND if source.tracks_balance else Transfer.Kind.ONRAMP,
        "source_id": source.pk,
        "target_id": target.pk,
        "amount_minor": amount_minor,
        "currency": "INR",
        "actor_id": source.owner_id,
        "idempotency_key": uuid4(),
        "note": "",
        "happened_at": timezone.now(),
    }
    return Movement(**usual | terms)


def post(*movements: Movement) -> list[Transfer]:
    """Lock what is moved and post it."""
    balances = journal.lock(pk for m in movements for pk in (m.source_id, m.target_id))
    return journal.post(movements, balances, posted_at=clock())


def clock() -> datetime:
    """Return the database's clock, as the services read it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [at] = cursor.fetchone()
    assert isinstance(at, datetime)
    return at


def findings() -> list[audit.Finding]:
    """Prove the books; return what is wrong with them, but for on-ramps."""
    found = audit.run(clock=timezone.now).findings
    return [finding for finding in found if finding.check not in UNASKED]
