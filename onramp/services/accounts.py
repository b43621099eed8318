"""The accounts a person withdraws to."""

import re
from datetime import datetime
from typing import ClassVar

from django.db import IntegrityError, transaction

from nexapay.kernel import db
from onramp import banks
from onramp.models import BankAccount

MOST = 10  # Accounts of one person at a time.
NUMBER = re.compile(r"[0-9]{9,18}")
_ONCE = "account_once_per_owner"


class AccountRefused(Exception):
    """Nothing was changed. The message is for people; field is the form field it belongs to."""

    field: ClassVar[str | None] = None


class UnknownAccountBank(AccountRefused):
    """No bank of ours has that code."""

    field = "bank"


class NoAccountNumber(AccountRefused):
    """It is not 9 to 18 digits."""

    field = "number"


class NoHolder(AccountRefused):
    """Nobody is named as its holder."""

    field = "holder"


class TooManyAccounts(AccountRefused):
    """The person has as many as one may have."""


def add_account(
    *, owner_id: int, bank: str, holder: str, number: str, now: datetime
) -> BankAccount:
    """
    Return the person's account of that number at that bank; keep it, if it is new.

    :raises AccountRefused: one of its kinds, with a sentence for the person.
    """
    if bank not in banks.CHOICES:
        raise UnknownAccountBank("Choose one of the banks in the list.")
    if not NUMBER.fullmatch(number):
        raise NoAccountNumber("Enter the account number: 9 to 18 digits.")
    if not holder:
        raise NoHolder("Enter the name on the account.")
    there = BankAccount.objects.owned_by(owner_id)
    if known := there.filter(bank=bank, number=number).first():
        return known
    if there.count() >= MOST:
        raise TooManyAccounts(f"You have {MOST} accounts. Remove one first.")
    try:
        with transaction.atomic():
            return BankAccount.objects.create(
                owner_id=owner_id, bank=bank, holder=holder, number=number, added_at=now
            )
    except IntegrityError as error:
        if db.constraint(error) != _ONCE:
            raise
        return there.get(bank=bank, number=number)  # A double click, both halves at once.


def remove_account(*, owner_id: int, account_id: int, now: datetime) -> bool:
    """
    Take the account off the person's list; return whether it was on it.

    What is on its way there goes on.
    """
    return bool(BankAccount.objects.owned_by(owner_id).filter(pk=account_id).update(removed_at=now))
