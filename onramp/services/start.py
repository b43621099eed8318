"""Asking for money from a bank. No money moves here."""

import secrets
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from nexapay.kernel import db, money
from onramp import banks
from onramp.models import OnRampTransaction
from wallet.models import Wallet

_KEY = "onramp_key_once_per_wallet"
_CAN_BE_PAID = {Wallet.Status.ACTIVE, Wallet.Status.DEBIT_FROZEN}


class OnRampRefused(Exception):
    """Nothing was asked. The message is for people; field is the form field it belongs to."""

    field: ClassVar[str | None] = None


class AmountOutOfRange(OnRampRefused):
    """The amount is outside settings.ONRAMP_MIN_MINOR and ONRAMP_MAX_MINOR."""

    field = "amount"


class UnknownBank(OnRampRefused):
    """No bank of ours has that code."""

    field = "bank"


class WalletFrozen(OnRampRefused):
    """The wallet may not be paid now."""


class AlreadyUsed(OnRampRefused):
    """The idempotency key stands for another amount or another bank."""


def start_onramp(
    *,
    actor_id: int,
    wallet_id: int,
    amount_minor: int,
    bank: str,
    idempotency_key: UUID,
    now: datetime,
) -> OnRampTransaction:
    """
    Return the on-ramp that now waits for the bank; one for each (wallet, idempotency_key).

    amount_minor is in minor units of the wallet's currency, bank the code of one of banks.CHOICES.
    The same key with the same inputs returns the first on-ramp, whatever became of it.

    :raises OnRampRefused: one of its kinds, with a sentence for the person.
    :raises wallet.models.Wallet.DoesNotExist: if the wallet is not the actor's.
    """
    _check_amount(amount_minor)
    if bank not in banks.CHOICES:
        raise UnknownBank("Choose one of the banks in the list.")
    wallet = Wallet.objects.owned_by(actor_id).get(pk=wallet_id)
    onramp = OnRampTransaction(
        token=secrets.token_urlsafe(32),
        wallet=wallet,
        amount_minor=amount_minor,
        currency=wallet.currency,
        bank=bank,
        idempotency_key=idempotency_key,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.ONRAMP_EXPIRES_AFTER_S),
    )
    if earlier := _earlier(onramp):
        return _same(earlier, onramp)
    if wallet.status not in _CAN_BE_PAID:
        raise WalletFrozen(
            "Your wallet is frozen, so money cannot be added. Nothing was taken. Please contact us."
        )
    return _insert(onramp)


def _check_amount(amount_minor: int) -> None:
    low, high = settings.ONRAMP_MIN_MINOR, settings.ONRAMP_MAX_MINOR
    if not low <= amount_minor <= high:
        least, most = (money.format(limit, settings.DEFAULT_CURRENCY) for limit in (low, high))
        raise AmountOutOfRange(f"Enter an amount from {least} to {most}.")


def _insert(onramp: OnRampTransaction) -> OnRampTransaction:
    try:
        with transaction.atomic():
            onramp.save(force_insert=True)
    except IntegrityError as error:
        # A double click, both halves at once: the loser finds what the winner made.
        if db.constraint(error) != _KEY or not (earlier := _earlier(onramp)):
            raise
        return _same(earlier, onramp)
    return onramp


def _earlier(onramp: OnRampTransaction) -> OnRampTransaction | None:
    return OnRampTransaction.objects.filter(
        wallet_id=onramp.wallet_id, idempotency_key=onramp.idempotency_key
    ).first()


def _same(earlier: OnRampTransaction, asked: OnRampTransaction) -> OnRampTransaction:
    """Return what the key stands for, if it is what is asked now."""
    if (earlier.amount_minor, earlier.bank) != (asked.amount_minor, asked.bank):
        raise AlreadyUsed(
            "You already asked for another amount or bank on this page. Nothing new was asked. "
            "Look in Activity, then start again."
        )
    return earlier
