"""One person pays another."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, Subquery, UUIDField

from nexapay.kernel import db, events, money
from nexapay.kernel.arrays import literal
from nexapay.kernel.db import Busy
from nexapay.kernel.prepared import IsAnyOf, Parameter, Prepared
from wallet import journal
from wallet.events import TransferPosted
from wallet.journal import Movement
from wallet.models import Balance, Transfer, Wallet
from wallet.services.refusals import (
    AlreadyUsed,
    AmountOutOfRange,
    CurrencyMismatch,
    InsufficientFunds,
    SameWallet,
    WalletFrozen,
)

_TRIES = 10
_CAN_PAY = (Wallet.Status.ACTIVE.value,)
_CAN_BE_PAID = (Wallet.Status.ACTIVE.value, Wallet.Status.DEBIT_FROZEN.value)
_PAYING, _PAID = literal(_CAN_PAY), literal(_CAN_BE_PAID)


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
    return db.retrying(lambda: _once(movement))


def _once(movement: Movement) -> Transfer:
    for _ in range(_TRIES):
        if transfer := _send(movement) or _find_why_not(movement):
            return transfer
    raise Busy("NexaPay is busy. Nothing was changed; try again in a moment.")


def _send(movement: Movement) -> Transfer | None:
    with transaction.atomic(durable=True):
        sent = journal.lock_and_send(movement, can_pay=_PAYING, can_be_paid=_PAID)
    transfer = sent.transfer()
    if transfer:
        events.publish(TransferPosted(transfer_id=transfer.pk))
    return transfer


class _Terms(NamedTuple):
    """What rules a wallet's payments, as it is under the lock."""

    wallet_id: int
    status: str
    currency: str
    earlier_id: int | None


_TERMS = Prepared(
    lambda: Wallet.objects.filter(IsAnyOf("pk")).values_list(
        "pk",
        "status",
        "currency",
        Subquery(
            Transfer.objects.filter(
                actor_id=Parameter(BigIntegerField()),
                idempotency_key=Parameter(UUIDField()),
            ).values("pk")
        ),
    )
)


def _find_why_not(movement: Movement) -> Transfer | None:
    """
    Return what the key already did, or raise why nothing moved.

    None means that by now nothing is in the way: it may be tried again.
    """
    pair = [movement.source_id, movement.target_id]
    with transaction.atomic(durable=True):
        balances, [rows] = journal.lock_and_read(
            pair, (_TERMS, (pair, movement.actor_id, movement.idempotency_key))
        )
        terms = {row[0]: _Terms(*row) for row in rows}
        source = terms[movement.source_id]
        if source.earlier_id is None:
            _check(movement, terms, balances)
            return None
        earlier = Transfer.objects.get(pk=source.earlier_id)
    return _same(earlier, replace(movement, currency=source.currency))


def _same(earlier: Transfer, movement: Movement) -> Transfer:
    """Return what the key stands for, if it is what is asked now."""
    if bytes(earlier.fingerprint) != movement.fingerprint:
        raise AlreadyUsed(
            "This was already sent with other details. Look in Activity, then start again."
        )
    return earlier


def _check(movement: Movement, terms: dict[int, _Terms], balances: dict[int, Balance]) -> None:
    source, target = terms[movement.source_id], terms[movement.target_id]
    if source.status not in _CAN_PAY:
        raise WalletFrozen("Your wallet is frozen, so nothing was sent. Please contact us.")
    if target.status not in _CAN_BE_PAID:
        raise WalletFrozen("This person cannot be paid right now. Nothing was sent.")
    if target.currency != source.currency:
        raise CurrencyMismatch(f"That wallet holds {target.currency}. Nothing was sent.")
    available_minor = balances[source.wallet_id].available_minor
    if available_minor < movement.amount_minor:
        have = money.format(available_minor, source.currency)
        raise InsufficientFunds(f"You have {have}. Enter that or less. Nothing was sent.")
