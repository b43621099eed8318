"""Withdrawals for tests: accounts, a bank that does as it is told, and what it says."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from django.utils import timezone

from onramp import services
from onramp.banks import (
    Bank,
    BankAway,
    BankUnreachable,
    Payout,
    PayoutRefused,
    PayoutReport,
    PayoutState,
    wire,
)
from onramp.models import BankAccount, OffRampTransaction
from tests.factories import make_wallet
from wallet import audit
from wallet.models import Wallet

DAY = timedelta(days=1)


def account(wallet: Wallet, *, number: str = "500100204821", **terms: Any) -> BankAccount:
    """Add Banyan Bank's account to the wallet's owner, two days ago unless told."""
    usual: dict[str, Any] = {"bank": "banyan", "holder": "Ana Rao", "now": timezone.now() - 2 * DAY}
    return services.add_account(owner_id=wallet.owner_id or 0, number=number, **usual | terms)


def withdraw(
    wallet: Wallet | None = None, amount_minor: int = 30_000, **terms: Any
) -> OffRampTransaction:
    """Ask for a withdrawal as the owner would; without a wallet, from one with 100,000."""
    wallet = wallet or make_wallet(balance_minor=100_000)
    to = terms.pop("to", None) or account(wallet)
    usual: dict[str, Any] = {"idempotency_key": uuid4(), "now": timezone.now()}
    return services.request_withdrawal(
        actor_id=wallet.owner_id or 0,
        wallet_id=wallet.pk,
        account_id=to.pk,
        amount_minor=amount_minor,
        **usual | terms,
    )


def submitted(wallet: Wallet | None = None, **terms: Any) -> OffRampTransaction:
    """Return a withdrawal that is with the bank, which has not decided yet."""
    offramp = withdraw(wallet, **terms)
    services.submit_withdrawals(bank=FakeBank().as_bank(), now=after(offramp))
    return afresh(offramp)


def after(offramp: OffRampTransaction) -> datetime:
    """Return when it may go to the bank."""
    return offramp.submits_at


def afresh(offramp: OffRampTransaction) -> OffRampTransaction:
    return OffRampTransaction.objects.select_related("wallet", "hold").get(pk=offramp.pk)


def report(offramp: OffRampTransaction, state: PayoutState, **facts: Any) -> PayoutReport:
    """Return a bank's answer about it."""
    usual: dict[str, Any] = {
        "amount_minor": offramp.amount_minor,
        "currency": offramp.currency,
        "bank_reference": f"PAY-{offramp.pk}",
        "reason": None,
    }
    return PayoutReport(state=state, **usual | facts)


def word(offramp: OffRampTransaction, kind: str = "success", **data: Any) -> dict[str, Any]:
    """Return what a bank's webhook says of it; a field set to ... is left out."""
    said: dict[str, Any] = {
        "token": offramp.token,
        "amount_minor": offramp.amount_minor,
        "currency": offramp.currency,
        "bank_reference": f"PAY-{offramp.pk}",
        "reason": None if kind == "success" else "account closed",
        **data,
    }
    said = {name: value for name, value in said.items() if value is not ...}
    return {"type": f"payout.{kind}", "timestamp": "2026-11-20T10:00:00Z", "data": said}


@dataclass
class FakeBank:
    """A bank that answers what it is told to, and remembers what it was asked."""

    state: PayoutState = PayoutState.PENDING
    query: PayoutState | None = None
    is_silent: bool = False
    refuses: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    paid: list[Payout] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    ill: set[str] = field(default_factory=set)  # Tokens that it answers 500.
    name: str = "simbank"

    def as_bank(self) -> Bank:
        return cast(Bank, self)

    def create_payout(self, payout: Payout) -> PayoutReport:
        self.paid.append(payout)
        if self.is_silent:
            raise BankAway("no answer")
        self._fall_ill(payout.token)
        if self.refuses:
            raise PayoutRefused(self.refuses)
        return self._report(payout.token, self.state)

    def query_payout(self, *, token: str) -> PayoutReport:
        self.asked.append(token)
        if self.is_silent:
            raise BankAway("no answer")
        self._fall_ill(token)
        return self._report(token, self.query or self.state)

    def _fall_ill(self, token: str) -> None:
        if token in self.ill:
            raise BankUnreachable("answered 500")

    def _report(self, token: str, state: PayoutState) -> PayoutReport:
        if state == PayoutState.UNKNOWN:
            return PayoutReport(state=state)
        return report(OffRampTransaction.objects.get(token=token), state, **self.facts)


def problems() -> list[str]:
    """Prove the books, by every rule there is."""
    return [str(finding) for finding in audit.run(clock=timezone.now).findings]


def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bank take what is posted, and somebody on the way answer that it is no request."""
    ask = wire.ask

    def asked(method: str, url: str, **options: Any) -> wire.Answer:
        answer = ask(method, url, **options)
        is_read = method == "GET"
        return answer if is_read else wire.Answer(status=400, said={"error": "no request"})

    monkeypatch.setattr(wire, "ask", asked)
