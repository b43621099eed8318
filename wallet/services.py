"""What can be done with money. Keyword-only, HTTP-free, one act each; amounts in minor units."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Subquery

from nexapay.kernel import db, events, money
from wallet import journal
from wallet.events import TransferPosted
from wallet.journal import Movement
from wallet.models import Balance, Transfer, Wallet

__all__ = [
    "AlreadyUsed",
    "AmountOutOfRange",
    "Busy",
    "CurrencyMismatch",
    "InsufficientFunds",
    "SameWallet",
    "TransferRefused",
    "WalletFrozen",
    "credit_from_bank",
    "open_wallet",
    "send_money",
    "set_status",
    "settlement_wallet",
]

Busy = db.Busy
_KEY = "transfer_key_once_per_actor"
_CAN_PAY = {Wallet.Status.ACTIVE}
_CAN_BE_PAID = {Wallet.Status.ACTIVE, Wallet.Status.DEBIT_FROZEN}


class TransferRefused(Exception):
    """No money moved. The message is for people; field is the form field it belongs to."""

    field: ClassVar[str | None] = None


class AmountOutOfRange(TransferRefused):
    """The amount is not positive, or above settings.TRANSFER_MAX_MINOR."""

    field = "amount"


class InsufficientFunds(TransferRefused):
    """The payer has less than that available."""

    field = "amount"


class SameWallet(TransferRefused):
    """Payer and payee are one."""

    field = "to"


class CurrencyMismatch(TransferRefused):
    """The two wallets hold different currencies."""

    field = "to"


class WalletFrozen(TransferRefused):
    """One of the wallets may not do this now."""


class AlreadyUsed(TransferRefused):
    """The idempotency key stands for another act."""


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


def send_money(
    *,
    actor_id: int,
    source_id: int,
    target_id: int,
    amount_minor: int,
    note: str,
    idempotency_key: UUID,
    now: datetime,
) -> Transfer:
    """
    Move amount_minor from one person's wallet to another's, once for each (actor, key).

    The same key with the same inputs returns the first transfer; it is one whole transaction.

    :raises TransferRefused: one of its kinds, with a sentence for the payer; nothing has moved.
    :raises Busy: the wallets were locked by others for too long; nothing has moved.
    """
    if source_id == target_id:
        raise SameWallet("You cannot send money to yourself.")
    if not 0 < amount_minor <= settings.TRANSFER_MAX_MINOR:
        limit = money.format(settings.TRANSFER_MAX_MINOR, settings.DEFAULT_CURRENCY)
        raise AmountOutOfRange(f"Enter an amount above zero, up to {limit}.")
    movement = Movement(
        kind=Transfer.Kind.SEND,
        source_id=source_id,
        target_id=target_id,
        amount_minor=amount_minor,
        currency="",  # The source's, known under the lock.
        actor_id=actor_id,
        idempotency_key=idempotency_key,
        note=note,
        happened_at=now,
    )
    return db.retrying(lambda: _once(movement, _check_send))


def credit_from_bank(
    *,
    bank: str,
    wallet_id: int,
    amount_minor: int,
    currency: str,
    idempotency_key: UUID,
    note: str,
    now: datetime,
) -> Transfer:
    """
    Credit what a bank confirmed, inside the caller's transaction, once for each key.

    It is owed whatever the wallet's status: a frozen wallet keeps it and cannot spend it.

    :raises TransferRefused: if currency is not the wallet's.
    """
    movement = Movement(
        kind=Transfer.Kind.ONRAMP,
        source_id=settlement_wallet(bank=bank, currency=currency).pk,
        target_id=wallet_id,
        amount_minor=amount_minor,
        currency=currency,
        actor_id=None,
        idempotency_key=idempotency_key,
        note=note,
        happened_at=now,
    )
    with transaction.atomic():
        return _move(movement, _check_currency)


def set_status(*, wallet_id: int, status: Wallet.Status) -> None:
    """Freeze, thaw or close a wallet. Waits for the movement under way, and rules the next one."""
    with transaction.atomic():
        journal.lock([wallet_id])
        Wallet.objects.filter(pk=wallet_id).update(status=status)


_Check = Callable[[Movement, dict[int, Wallet], dict[int, Balance]], None]


def _once(movement: Movement, check: _Check) -> Transfer:
    try:
        with transaction.atomic(durable=True):
            return _move(movement, check)
    except IntegrityError as error:
        # Two wallets of one person, one key, at once: the loser finds what the winner did.
        if db.constraint(error) != _KEY:
            raise
        return _same(_with_key(movement).get(), movement)


def _move(movement: Movement, check: _Check) -> Transfer:
    balances = journal.lock([movement.source_id, movement.target_id])
    # A statement of its own: it sees what was committed while the lock was waited for.
    wallets = {
        wallet.pk: wallet
        for wallet in Wallet.objects.filter(pk__in=[movement.source_id, movement.target_id])
        .annotate(
            read_at=db.ClockTimestamp(), earlier_id=Subquery(_with_key(movement).values("pk"))
        )
        .order_by("pk")
    }
    source = wallets[movement.source_id]
    movement = replace(movement, currency=movement.currency or source.currency)
    if source.earlier_id:  # type: ignore[attr-defined]
        return _same(Transfer.objects.get(pk=source.earlier_id), movement)  # type: ignore[attr-defined]
    check(movement, wallets, balances)
    read_at = max(wallet.read_at for wallet in wallets.values())  # type: ignore[attr-defined]
    transfer = journal.post([movement], balances, posted_at=read_at)[0]
    events.publish(TransferPosted(transfer_id=transfer.pk))
    return transfer


def _with_key(movement: Movement) -> QuerySet[Transfer]:
    return Transfer.objects.filter(
        actor_id=movement.actor_id, idempotency_key=movement.idempotency_key
    )


def _same(earlier: Transfer, movement: Movement) -> Transfer:
    """Return what the key stands for, if it is what is asked now."""
    if bytes(earlier.fingerprint) != movement.fingerprint:
        raise AlreadyUsed(
            "This was already sent with other details. Look in Activity, then start again."
        )
    return earlier


def _check_send(
    movement: Movement, wallets: dict[int, Wallet], balances: dict[int, Balance]
) -> None:
    source, target = wallets[movement.source_id], wallets[movement.target_id]
    if source.status not in _CAN_PAY:
        raise WalletFrozen("Your wallet is frozen, so nothing was sent. Please contact us.")
    if target.status not in _CAN_BE_PAID:
        raise WalletFrozen("This person cannot be paid right now. Nothing was sent.")
    _check_currency(movement, wallets, balances)
    available_minor = balances[source.pk].available_minor
    if available_minor < movement.amount_minor:
        have = money.format(available_minor, source.currency)
        raise InsufficientFunds(f"You have {have}. Enter that or less. Nothing was sent.")


def _check_currency(
    movement: Movement, wallets: dict[int, Wallet], balances: dict[int, Balance]
) -> None:
    for wallet in wallets.values():
        if wallet.currency != movement.currency:
            raise CurrencyMismatch(f"That wallet holds {wallet.currency}. Nothing was sent.")
