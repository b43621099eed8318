"""Asking for a withdrawal, and thinking better of it. The bank is not spoken to here."""

import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid5

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from nexapay.kernel import dates, db, money
from onramp import banks
from onramp.models import BankAccount, OffRampTransaction, OffRampTransactionQuerySet
from onramp.services.cooling import cooling_off
from wallet import services as wallet_services
from wallet.models import Hold, Wallet

_Status = OffRampTransaction.Status
# What one key may be used for once. The lock of the owner's row lets nobody come so far.
_KEYS = {
    "offramp_key_once_per_wallet",
    "onramp_offramptransaction_hold_id_key",
    "transfer_key_once_per_actor",
}


class WithdrawalRefused(Exception):
    """Nothing was asked and nothing is held. The message is for people."""

    field: ClassVar[str | None] = None


class WithdrawalOutOfRange(WithdrawalRefused):
    """The amount is outside settings.PAYOUT_MIN_MINOR and PAYOUT_MAX_MINOR."""

    field = "amount"


class NotEnough(WithdrawalRefused):
    """The wallet has less than that available."""

    field = "amount"


class TooNew(WithdrawalRefused):
    """The account was added lately, and this would be more than new accounts may get so soon."""

    field = "amount"


class NoSuchAccount(WithdrawalRefused):
    """The account is not the actor's, or was removed."""

    field = "account"


class WithdrawalKeyUsed(WithdrawalRefused):
    """The idempotency key stands for something else."""


class NotCancelled(Exception):
    """It has gone to the bank already, or ended. The message is for people."""


def request_withdrawal(
    *,
    actor_id: int,
    wallet_id: int,
    account_id: int,
    amount_minor: int,
    idempotency_key: UUID,
    now: datetime,
) -> OffRampTransaction:
    """
    Hold the money and return the withdrawal; one for each (wallet, idempotency_key).

    amount_minor is in minor units of the wallet's currency. It goes to the bank after
    PAYOUT_SUBMIT_AFTER_S, and may be cancelled until then. The same key with the same inputs
    returns the first withdrawal, whatever became of it.

    :raises WithdrawalRefused: one of its kinds, with a sentence for the person.
    :raises Busy: if rows were locked by others for too long; nothing is held.
    :raises wallet.models.Wallet.DoesNotExist: if the wallet is not the actor's.
    """
    low, high = settings.PAYOUT_MIN_MINOR, settings.PAYOUT_MAX_MINOR
    if not low <= amount_minor <= high:
        least, most = (money.format(limit, settings.DEFAULT_CURRENCY) for limit in (low, high))
        raise WithdrawalOutOfRange(f"Enter an amount from {least} to {most}.")
    wallet = Wallet.objects.owned_by(actor_id).get(pk=wallet_id)
    asked = OffRampTransaction(
        token=secrets.token_urlsafe(32),
        wallet=wallet,
        account_id=account_id,
        amount_minor=amount_minor,
        currency=wallet.currency,
        idempotency_key=idempotency_key,
        created_at=now,
        submits_at=now + timedelta(seconds=settings.PAYOUT_SUBMIT_AFTER_S),
    )
    try:
        return db.retrying(lambda: _request(asked, actor_id, now))
    except IntegrityError as error:
        if db.constraint(error) not in _KEYS:
            raise
        return _same(_earlier(asked), asked)


def _request(asked: OffRampTransaction, actor_id: int, now: datetime) -> OffRampTransaction:
    with transaction.atomic(durable=True):
        # The owner's row first: it rules what goes from all their wallets to all their accounts.
        # Whoever had to wait for it sees what was asked meanwhile, be it with the very same key.
        User.objects.select_for_update(no_key=True).only("pk").get(pk=actor_id)
        if earlier := _earlier(asked):
            return _same(earlier, asked)
        account = _account(asked, actor_id)
        _check_new(account, asked, now)
        asked.bank, asked.hold = account.bank, _hold(asked, account, actor_id, now)
        asked.pk = None
        asked.save(force_insert=True)
    return asked


def _account(asked: OffRampTransaction, actor_id: int) -> BankAccount:
    """Return the account, locked: nobody removes it meanwhile."""
    mine = BankAccount.objects.select_for_update(no_key=True).owned_by(actor_id)
    account = mine.filter(pk=asked.account_id).first()
    if account is None:
        raise NoSuchAccount("Choose one of your bank accounts.")
    return account


def _hold(asked: OffRampTransaction, account: BankAccount, actor_id: int, now: datetime) -> Hold:
    try:
        return wallet_services.hold(
            actor_id=actor_id,
            wallet_id=asked.wallet_id,
            amount_minor=asked.amount_minor,
            purpose=Hold.Purpose.WITHDRAWAL,
            note=label(account),
            idempotency_key=uuid5(asked.idempotency_key, "withdrawal"),
            now=now,
        )
    except wallet_services.InsufficientFunds as refusal:
        raise NotEnough(f"{refusal} Nothing was withdrawn.") from refusal
    except wallet_services.TransferRefused as refusal:
        raise WithdrawalRefused(str(refusal)) from refusal


def _check_new(account: BankAccount, asked: OffRampTransaction, now: datetime) -> None:
    cooling = cooling_off(owner_id=account.owner_id, now=now)
    until = cooling.until.get(account.pk)
    if until is None or asked.amount_minor <= cooling.left_minor:
        return
    most, left = (
        money.format(minor, asked.currency)
        for minor in (settings.PAYOUT_NEW_ACCOUNT_MAX_MINOR, cooling.left_minor)
    )
    raise TooNew(
        f"This account is new until {dates.full(until)}. New accounts get {most} at most, all "
        f"together, and {left} of it is left."
    )


def _earlier(asked: OffRampTransaction) -> OffRampTransaction | None:
    return OffRampTransaction.objects.filter(
        wallet_id=asked.wallet_id, idempotency_key=asked.idempotency_key
    ).first()


def _same(earlier: OffRampTransaction | None, asked: OffRampTransaction) -> OffRampTransaction:
    """Return what the key stands for, if it is what is asked now."""
    terms: Any = (asked.amount_minor, asked.account_id)
    if earlier is None or (earlier.amount_minor, earlier.account_id) != terms:
        raise WithdrawalKeyUsed(
            "You already asked for another amount or account on this page. Nothing new was asked. "
            "Look in Activity, then start again."
        )
    return earlier


def cancel_withdrawal(*, actor_id: int, offramp_id: int, now: datetime) -> OffRampTransaction:
    """
    Cancel a withdrawal that has not gone to the bank, and release its money.

    One that is cancelled already is returned as it is.

    :raises NotCancelled: if it has gone to the bank, with a sentence for the person.
    :raises OffRampTransaction.DoesNotExist: if it is not the actor's.
    :raises Busy: if rows were locked by others for too long; nothing has changed.
    """
    return db.retrying(lambda: _cancel(actor_id, offramp_id, now))


def _cancel(actor_id: int, offramp_id: int, now: datetime) -> OffRampTransaction:
    with transaction.atomic(durable=True):
        mine = OffRampTransaction.objects.owned_by(actor_id)
        offramp = locked(mine).get(pk=offramp_id)
        if offramp.status == _Status.CANCELLED:
            return offramp
        if not offramp.may_cancel:
            raise NotCancelled("The bank has this already, so it cannot be cancelled.")
        release(offramp, now)
        offramp.status, offramp.settled_at = _Status.CANCELLED, now
        offramp.save(update_fields=["status", "settled_at"])
    return offramp


def locked(offramps: OffRampTransactionQuerySet) -> OffRampTransactionQuerySet:
    """Return these off-ramps, locked until the transaction ends, with their accounts."""
    return offramps.select_related("account").select_for_update(no_key=True, of=("self",))


def release(offramp: OffRampTransaction, now: datetime) -> None:
    """Give the withdrawal's money back to be spent, inside the caller's transaction."""
    wallet_services.release_hold(
        hold_id=offramp.hold_id,
        idempotency_key=offramp.release_key,
        note=label(offramp.account),
        now=now,
    )


def label(account: BankAccount) -> str:
    """Return how the wallet's history names the account: Banyan Bank •••• 4821."""
    return f"{banks.name_of(account.bank)} {account.masked}"
