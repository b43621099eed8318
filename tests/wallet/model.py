"""A model of the books in a few lines: a dict of what each person has. Amounts in minor units."""

from copy import deepcopy
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings as configured

from wallet import services
from wallet.models import Hold, Wallet

PEOPLE = 4
HOUSE = -1  # Who pays when a bank does.
START_MINOR = 1_000


@dataclass(frozen=True)
class Terms:
    """What a key stands for."""

    payer: int
    payee: int
    amount_minor: int
    note: str


class Books:
    """The model: who has what, who may pay, and what each key stood for."""

    def __init__(self) -> None:
        self.held = [START_MINOR] * PEOPLE  # What each may spend.
        self.on_hold: dict[Hold, tuple[int, int]] = {}  # Whose, and what remains of it.
        self.status = [Wallet.Status.ACTIVE] * PEOPLE
        self.keys: dict[tuple[int, UUID], Terms] = {}

    def refusal(self, terms: Terms, key: UUID) -> type[Exception] | None:
        """Return what a send is refused with, in the order in which it is looked at."""
        if terms.payer == terms.payee:
            return services.SameWallet
        if not 0 < terms.amount_minor <= configured.TRANSFER_MAX_MINOR:
            return services.AmountOutOfRange
        if earlier := self.keys.get((terms.payer, key)):
            return None if earlier == terms else services.AlreadyUsed
        if self.status[terms.payer] != Wallet.Status.ACTIVE:
            return services.WalletFrozen
        if self.status[terms.payee] in {Wallet.Status.FROZEN, Wallet.Status.CLOSED}:
            return services.WalletFrozen
        return services.InsufficientFunds if self.lacks(terms) else None

    def locked(self, person: int) -> int:
        """What of a person's money is set aside."""
        return sum(minor for whose, minor in self.on_hold.values() if whose == person)

    def take(self, held: Hold, minor: int, *, back: bool) -> None:
        """Let a part of a hold leave, or give it back."""
        whose, remains = self.on_hold.pop(held)
        if remains > minor:
            self.on_hold[held] = whose, remains - minor
        if back:
            self.held[whose] += minor

    def lacks(self, terms: Terms) -> bool:
        """Whether the payer has too little; a bank never has."""
        return terms.payer != HOUSE and self.held[terms.payer] < terms.amount_minor

    def after(self, acts: list[tuple[Terms, UUID]]) -> "Books | None":
        """Return the model after all of the acts; None if one of them cannot be."""
        after = deepcopy(self)
        after.on_hold = dict(self.on_hold)
        for terms, key in acts:
            if (terms.payer, key) in after.keys or after.lacks(terms):
                return None
            after.move(terms, key)
        return after

    def hold_refusal(self, person: int, amount_minor: int) -> type[Exception] | None:
        """Return what a hold is refused with."""
        if amount_minor <= 0:
            return services.AmountOutOfRange
        if self.status[person] != Wallet.Status.ACTIVE:
            return services.WalletFrozen
        return services.InsufficientFunds if self.held[person] < amount_minor else None

    def move(self, terms: Terms, key: UUID) -> None:
        """Move it once for each payer and key."""
        if (terms.payer, key) in self.keys:
            return
        self.keys[terms.payer, key] = terms
        self.held[terms.payee] += terms.amount_minor
        if terms.payer != HOUSE:
            self.held[terms.payer] -= terms.amount_minor
