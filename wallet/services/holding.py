"""
Money set aside: held, then captured or released in parts, or released when its time is over.

hold, capture_hold and release_hold run inside the caller's transaction, which the reason for the
hold belongs to: a withdrawal and its hold are there together or not at all. The wallet's balance
is locked first, and that lock guards its holds as well.
"""

from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import BigIntegerField, UUIDField

from nexapay.kernel import db, events, money
from nexapay.kernel.prepared import Parameter, Prepared, columns_of, instance
from nexapay.kernel.wire import Rows
from wallet import journal
from wallet.events import TransferPosted
from wallet.journal import Movement
from wallet.models import Balance, Hold, Transfer, Wallet
from wallet.services.refusals import (
    AlreadyUsed,
    AmountOutOfRange,
    HoldSpent,
    InsufficientFunds,
    WalletFrozen,
)
from wallet.services.wallets import settlement_wallet

_Kind = Transfer.Kind
_BATCH = 500
_TERMS = Prepared(
    lambda: Wallet.objects.filter(pk=Parameter(BigIntegerField())).values_list(
        "status", "currency", db.ClockTimestamp()
    )
)
_HOLD = Prepared(
    lambda: Hold.objects.filter(pk=Parameter(BigIntegerField())).values_list(
        *columns_of(Hold), db.ClockTimestamp()
    )
)
_EARLIER = Prepared(
    lambda: Transfer.objects.filter(
        actor_id=Parameter(BigIntegerField()), idempotency_key=Parameter(UUIDField())
    ).values_list(*columns_of(Transfer))
)
_EARLIER_OF_THE_HOUSE = Prepared(
    lambda: Transfer.objects.filter(
        actor_id=None, idempotency_key=Parameter(UUIDField())
    ).values_list(*columns_of(Transfer))
)


def hold(
    *,
    actor_id: int,
    wallet_id: int,
    amount_minor: int,
    purpose: Hold.Purpose,
    note: str,
    idempotency_key: UUID,
    now: datetime,
    expires_at: datetime | None = None,
) -> Hold:
    """
    Set amount_minor of the wallet's available money aside, once for each (actor, key).

    The same key with the same inputs returns the first hold, whatever became of it. Without
    expires_at it lasts until it is captured or released.

    :raises TransferRefused: one of its kinds, with a sentence for the owner; nothing is held.
    """
    if amount_minor <= 0:
        raise AmountOutOfRange("Enter an amount above zero.")
    balances, [[terms], earlier] = journal.lock_and_read(
        [wallet_id], (_TERMS, (wallet_id,)), (_EARLIER, (actor_id, idempotency_key))
    )
    status, currency, read_at = terms
    movement = Movement(
        kind=_Kind.HOLD,
        source_id=wallet_id,
        target_id=wallet_id,
        amount_minor=amount_minor,
        currency=currency,
        actor_id=actor_id,
        idempotency_key=idempotency_key,
        note=note,
        happened_at=now,
    )
    if done := _same(earlier, movement):
        return Hold.objects.get(transfer=done)
    _check(status, balances[wallet_id], movement)
    return Hold.objects.create(
        wallet_id=wallet_id,
        transfer=_post(movement, balances, read_at),
        purpose=purpose,
        amount_minor=amount_minor,
        currency=currency,
        created_at=now,
        expires_at=expires_at,
    )


def capture_hold(
    *,
    hold_id: int,
    bank: str,
    idempotency_key: UUID,
    note: str,
    now: datetime,
    amount_minor: int | None = None,
) -> Transfer:
    """
    Let held money leave the wallet for the bank of that name; all that remains, unless told.

    It is owed whatever the wallet's status. A key that comes again stands for its first transfer.

    :raises HoldSpent: if less than that remains, or its time is over.
    :raises AlreadyUsed: if the key stands for another act.
    """
    end = _End(_Kind.PAYOUT, hold_id, amount_minor, idempotency_key, note, bank)
    return _part(end, now)


def release_hold(
    *,
    hold_id: int,
    idempotency_key: UUID,
    note: str,
    now: datetime,
    amount_minor: int | None = None,
) -> Transfer:
    """
    Give held money back to be spent; all that remains, unless told. Otherwise as capture_hold.

    :raises HoldSpent: if less than that remains.
    :raises AlreadyUsed: if the key stands for another act.
    """
    return _part(_End(_Kind.RELEASE, hold_id, amount_minor, idempotency_key, note, ""), now)


def expire_holds(*, now: datetime) -> int:
    """Release what remains of every hold whose time is over; return how many there were."""
    total = 0
    while overdue := list(Hold.objects.overdue(now).order_by("expires_at")[:_BATCH]):
        for each in overdue:
            db.retrying(partial(_expire, each, now))
        total += len(overdue)
    return total


class _End(NamedTuple):
    """What is to become of a hold, or a part of it. bank is empty for a release."""

    kind: Transfer.Kind
    hold_id: int
    amount_minor: int | None
    key: UUID
    note: str
    bank: str


def _part(end: _End, now: datetime) -> Transfer:
    before = Hold.objects.only("wallet_id", "currency").get(pk=end.hold_id)  # Terms never change.
    bank = settlement_wallet(bank=end.bank, currency=before.currency) if end.bank else None
    balances, [[row], earlier] = journal.lock_and_read(
        [before.wallet_id], (_HOLD, (end.hold_id,)), (_EARLIER_OF_THE_HOUSE, (end.key,))
    )
    held, read_at = instance(Hold, row[:-1]), row[-1]
    movement = Movement(
        kind=end.kind,
        source_id=held.wallet_id,
        target_id=bank.pk if bank else held.wallet_id,
        amount_minor=_part_minor(end, held, earlier),
        currency=held.currency,
        actor_id=None,
        idempotency_key=end.key,
        note=end.note,
        happened_at=now,
    )
    if done := _same(earlier, movement):
        return done
    _check_part(held, movement, now)
    transfer = _post(movement, balances, read_at)
    _take(held, movement, now)
    return transfer


def _part_minor(end: _End, held: Hold, earlier: Rows) -> int:
    """Return how much it is about: what was said, what the key took before, or all that is left."""
    if end.amount_minor is not None:
        return end.amount_minor
    return instance(Transfer, earlier[0]).amount_minor if earlier else held.remaining_minor


def _check(status: str, balance: Balance, movement: Movement) -> None:
    if status != Wallet.Status.ACTIVE:
        raise WalletFrozen("Your wallet is frozen, so nothing was set aside. Please contact us.")
    if balance.available_minor < movement.amount_minor:
        have = money.format(balance.available_minor, movement.currency)
        raise InsufficientFunds(f"You have {have}. Enter that or less.")


def _check_part(held: Hold, movement: Movement, now: datetime) -> None:
    if not 0 < movement.amount_minor <= held.remaining_minor:
        remains = money.format(held.remaining_minor, held.currency)
        raise HoldSpent(f"Of this hold {remains} remains.")
    is_over = held.expires_at is not None and held.expires_at <= now
    if is_over and movement.kind == _Kind.PAYOUT:
        raise HoldSpent("The time of this hold is over.")


def _take(held: Hold, movement: Movement, now: datetime) -> None:
    """Write down what the transfer took of the hold; close it when nothing remains."""
    if movement.kind == _Kind.PAYOUT:
        held.captured_minor += movement.amount_minor
    else:
        held.released_minor += movement.amount_minor
    if not held.remaining_minor:
        held.status, held.closed_at = Hold.Status.CLOSED, now
    held.save(update_fields=["captured_minor", "released_minor", "status", "closed_at"])


def _expire(held: Hold, now: datetime) -> None:
    with transaction.atomic(durable=True):
        journal.lock([held.wallet_id])
        if Hold.objects.overdue(now).filter(pk=held.pk).exists():  # Nobody ended it meanwhile.
            release_hold(
                hold_id=held.pk,
                idempotency_key=uuid5(held.public_id, "expired"),
                note="",
                now=now,
            )


def _same(earlier: Rows, movement: Movement) -> Transfer | None:
    """Return what the key stands for already, if it does."""
    if not earlier:
        return None
    done = instance(Transfer, earlier[0])
    if bytes(done.fingerprint) != movement.fingerprint:
        raise AlreadyUsed("This was already used for something else. Look in Activity.")
    return done


def _post(movement: Movement, balances: dict[int, Balance], read_at: datetime) -> Transfer:
    transfer = journal.post([movement], balances, posted_at=read_at)[0]
    events.publish(TransferPosted(transfer_id=transfer.pk))
    return transfer
