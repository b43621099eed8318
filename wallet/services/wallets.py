"""Wallets themselves: opened, frozen, closed."""

from django.conf import settings
from django.db import transaction

from wallet import journal
from wallet.models import Balance, Wallet


def open_wallet(*, owner_id: int, name: str, currency: str | None = None) -> Wallet:
    """Return the person's wallet of that currency; open it, empty, if there is none."""
    wallet, _ = Wallet.objects.get_or_create(
        owner_id=owner_id,
        currency=currency or settings.DEFAULT_CURRENCY,
        kind=Wallet.Kind.USER,
        defaults={"name": name},
    )
    Balance.objects.get_or_create(wallet=wallet)
    return wallet


def settlement_wallet(*, bank: str, currency: str) -> Wallet:
    """Return the append-only wallet that stands for a bank: minus what it has brought in."""
    wallet, _ = Wallet.objects.get_or_create(
        owner=None,
        kind=Wallet.Kind.SETTLEMENT,
        name=bank,
        currency=currency,
        defaults={"tracks_balance": False},
    )
    return wallet


def set_status(*, wallet_id: int, status: Wallet.Status) -> None:
    """Freeze, thaw or close a wallet. Waits for the movement under way, and rules the next one."""
    with transaction.atomic():
        journal.lock([wallet_id])
        Wallet.objects.filter(pk=wallet_id).update(status=status)
