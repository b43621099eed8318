"""Many people with money, made through the real services."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from nexapay.kernel import ids
from onramp.models import OnRampTransaction
from onramp.services import MAX_BATCH, Delivery, record_bank_events, start_onramp
from wallet.models import Wallet
from wallet.services import open_wallet

_numbers = count(1)
PLENTY_MINOR = 1_00_000_00


def make(number: int) -> list[Wallet]:
    """Make people without money; return their wallets."""
    found = []
    for _ in range(number):
        n = next(_numbers)
        with transaction.atomic():
            user = User(name=f"Person {n}", handle=f"bench{n}", phone=f"+9170{n:08d}")
            user.set_unusable_password()
            user.save()
            found.append(open_wallet(owner_id=user.pk, name=user.name))
    return found


def make_rich(number: int) -> list[Wallet]:
    """Make people, and have the bank bring each PLENTY_MINOR."""
    wallets = make(number)
    now = timezone.now()
    onramps = [ask(wallet, now) for wallet in wallets]
    for first in range(0, number, MAX_BATCH):
        answers = record_bank_events(
            bank="simbank", deliveries=say(onramps[first : first + MAX_BATCH]), now=now
        )
        if any(answer.status != 200 for answer in answers):
            raise RuntimeError("The bank's credits were refused.")
    return wallets


def ask(wallet: Wallet, now: datetime, amount_minor: int = PLENTY_MINOR) -> OnRampTransaction:
    """Ask the bank for money."""
    if wallet.owner_id is None:
        raise ValueError("Only people ask a bank for money.")
    return start_onramp(
        actor_id=wallet.owner_id,
        wallet_id=wallet.pk,
        amount_minor=amount_minor,
        bank="banyan",
        idempotency_key=ids.new(),
        now=now,
    )


def ask_many(wallets: Sequence[Wallet], number: int, now: datetime) -> list[OnRampTransaction]:
    """Ask for 10.00 for one wallet after the other, number times in all."""
    template = ask(wallets[0], now, 10_00)
    rows = [
        OnRampTransaction(
            token=f"{uuid4().hex}{uuid4().hex}"[:64],
            wallet=wallets[n % len(wallets)],
            amount_minor=10_00,
            currency=template.currency,
            bank=template.bank,
            idempotency_key=ids.new(),
            created_at=now,
            expires_at=template.expires_at,
        )
        for n in range(number)
    ]
    return OnRampTransaction.objects.bulk_create(rows, batch_size=1_000)


def say(onramps: Sequence[OnRampTransaction]) -> list[Delivery]:
    """Return what the bank says when all of them succeed."""
    return [
        Delivery(f"evt_{onramp.pk}", body(onramp), {"webhook-id": f"evt_{onramp.pk}"})
        for onramp in onramps
    ]


def body(onramp: OnRampTransaction) -> bytes:
    """Return the body of a success."""
    data = {
        "token": onramp.token,
        "amount_minor": onramp.amount_minor,
        "currency": onramp.currency,
        "bank_reference": f"BNY-{onramp.pk}",
        "reason": None,
    }
    said = {"type": "onramp.success", "timestamp": "2026-11-20T10:00:00Z", "data": data}
    return json.dumps(said).encode()
