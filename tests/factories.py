"""People and money for tests. Money is made through the ledger, never written beside it."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from onramp.models import OnRampTransaction
from wallet import services
from wallet.models import Balance, Hold, Transfer, Wallet

_numbers = count(1)
PASSWORD = "correct-horse-battery"


@cache
def _password_hash() -> str:
    """Hash once for a run: argon2 is slow on purpose."""
    return make_password(PASSWORD)


def make_user(name: str = "", **fields: Any) -> User:
    """Make a person who signs in with PASSWORD; their wallet opens with them."""
    number = next(_numbers)
    user = User(
        name=name or f"Person {number}",
        handle=fields.pop("handle", f"person{number}"),
        phone=fields.pop("phone", f"+9198{number:08d}"),
        **fields,
    )
    user.password = _password_hash()
    user.save()
    return user


def make_wallet(*, balance_minor: int = 0, name: str = "", **fields: Any) -> Wallet:
    """Make a person and return their wallet, with money the bank brought in."""
    wallet = Wallet.objects.get(owner=make_user(name, **fields))
    if balance_minor:
        fund(wallet, balance_minor)
    return wallet


def fund(wallet: Wallet, amount_minor: int, *, at: datetime | None = None) -> Transfer:
    """Bring money in from a bank: an on-ramp, asked for and settled."""
    now = at or timezone.now()
    with transaction.atomic():
        onramp = OnRampTransaction.objects.create(
            token=secrets.token_urlsafe(32),
            wallet=wallet,
            amount_minor=amount_minor,
            currency=wallet.currency,
            bank="banyan",
            idempotency_key=uuid4(),
            created_at=now,
            expires_at=now + timedelta(minutes=30),
        )
        transfer = services.credit_from_bank(
            bank="Banyan Bank",
            wallet_id=wallet.pk,
            amount_minor=amount_minor,
            currency=wallet.currency,
            idempotency_key=onramp.idempotency_key,
            note="",
            now=now,
        )
        OnRampTransaction.objects.filter(pk=onramp.pk).update(
            status=OnRampTransaction.Status.SUCCESS,
            transfer=transfer,
            settled_at=now,
            bank_reference=f"TEST-{onramp.pk}",
        )
    return transfer


def send(
    source: Wallet,
    target: Wallet,
    amount_minor: int,
    *,
    key: UUID | None = None,
    note: str = "",
    at: datetime | None = None,
) -> Transfer:
    """Send money as the owner of source would."""
    assert source.owner_id is not None
    return services.send_money(
        actor_id=source.owner_id,
        source_id=source.pk,
        target_id=target.pk,
        amount_minor=amount_minor,
        note=note,
        idempotency_key=key or uuid4(),
        now=at or timezone.now(),
    )


def available(wallet: Wallet) -> int:
    """Return what the wallet has to spend now, read afresh."""
    return Balance.objects.get(wallet=wallet).available_minor


def hold(wallet: Wallet, amount_minor: int, **terms: Any) -> Hold:
    """Set money of the wallet aside, as its owner's withdrawal would."""
    usual = {
        "actor_id": wallet.owner_id,
        "purpose": Hold.Purpose.WITHDRAWAL,
        "note": "Banyan Bank •••• 4821",
        "idempotency_key": uuid4(),
        "now": timezone.now(),
    }
    with transaction.atomic():
        return services.hold(wallet_id=wallet.pk, amount_minor=amount_minor, **usual | terms)


def capture(held: Hold, amount_minor: int | None = None, **terms: Any) -> Transfer:
    """Let held money leave for a bank; all that remains, unless told."""
    return _end_of(services.capture_hold, held, amount_minor, terms | {"bank": "Banyan Bank"})


def release(held: Hold, amount_minor: int | None = None, **terms: Any) -> Transfer:
    """Give held money back; all that remains, unless told."""
    return _end_of(services.release_hold, held, amount_minor, terms)


def _end_of(
    act: Callable[..., Transfer], held: Hold, amount_minor: int | None, terms: dict[str, Any]
) -> Transfer:
    usual = {"idempotency_key": uuid4(), "note": "", "now": timezone.now()}
    with transaction.atomic():
        return act(hold_id=held.pk, amount_minor=amount_minor, **usual | terms)


def locked(wallet: Wallet) -> int:
    """Return what of the wallet is set aside now, read afresh."""
    return Balance.objects.get(wallet=wallet).locked_minor
