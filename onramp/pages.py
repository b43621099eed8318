"""What the pages of this app say, put together from rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from nexapay.kernel import money
from onramp import banks, selectors
from onramp.forms import AddMoneyForm
from onramp.models import OTHER_AMOUNT, OnRampTransaction
from onramp.services.expiry import EXPIRED
from wallet.models import Wallet

_CHIPS = (50_000, 100_000, 200_000, 500_000)  # Minor units, offered where the limits allow.
_Status = OnRampTransaction.Status
FLOW = "Add money"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the progress list. state: done, now, fail, or empty for what is to come."""

    title: str
    text: str = ""
    at: datetime | None = None
    state: str = ""


def add(form: AddMoneyForm, wallet: Wallet, *, used_last: str | None) -> dict[str, Any]:
    """Return what the form's page needs."""
    low, high = settings.ONRAMP_MIN_MINOR, settings.ONRAMP_MAX_MINOR
    least, most = (money.typed(limit, wallet.currency) for limit in (low, high))
    symbol = money.symbol(wallet.currency)
    return {
        "flow": FLOW,
        "step": 1,
        "steps": 2,
        "form": form,
        "hint": f"Between {symbol}{least} and {symbol}{most}. No fee.",
        "chips": [chip for chip in _CHIPS if low <= chip <= high],
        "used_last": used_last,
        "choices": list(banks.CHOICES.values()),
        "is_simulated": settings.BANK == "simbank",
    }


def detail(onramp: OnRampTransaction) -> dict[str, Any]:
    """Return what the page of one on-ramp and its live part need."""
    bank, amount = banks.name_of(onramp.bank), money.format(onramp.amount_minor, onramp.currency)
    now = timezone.now()
    is_doubted = onramp.is_processing and selectors.is_doubted(onramp)
    return {
        "flow": FLOW,
        "onramp": onramp,
        "bank": bank,
        "amount": amount,
        "title": _title(onramp, bank, amount),
        "comfort": _doubt(bank) if is_doubted else _comfort(onramp, bank, now),
        "may_continue": not is_doubted and now < onramp.pay_before,
        "available_minor": onramp.wallet.balance.available_minor,
        "steps": _steps(onramp, bank, amount),
    }


def _title(onramp: OnRampTransaction, bank: str, amount: str) -> str:
    if onramp.status == _Status.SUCCESS:
        return f"{amount} added"
    if onramp.is_processing:
        return f"Waiting for {bank}"
    return f"{bank} {_verb(onramp)}"


def _verb(onramp: OnRampTransaction) -> str:
    if onramp.failure_reason == OTHER_AMOUNT:
        return "took another amount"
    late = selectors.is_late(onramp)
    return "did not confirm this in time" if late else "declined this"


def _doubt(bank: str) -> str:
    return (
        f"{bank} told us of this payment, but not as you asked for it. Nothing is lost: we find "
        "out what became of it."
    )


def _comfort(onramp: OnRampTransaction, bank: str, now: datetime) -> str:
    """Say what it means for the person's money; never more than we know."""
    if onramp.is_processing:
        return _patience(onramp, bank, now)
    if onramp.failure_reason == OTHER_AMOUNT:
        return f"{bank} took another amount than you asked for. Activity shows our correction."
    if onramp.failure_reason == EXPIRED:
        return f"Nothing was added to your wallet. If {bank} shows this payment, contact us."
    return "No money was taken, and nothing was added to your wallet."


def _patience(onramp: OnRampTransaction, bank: str, now: datetime) -> str:
    if now >= onramp.pay_before:
        return (
            f"The time to approve it is over. We keep asking {bank} how it ended: if your money "
            "was taken, it is not lost."
        )
    if selectors.is_slow(onramp.created_at, now):
        return (
            f"This takes longer than usual. We ask {bank} how it stands, and nothing is lost: your "
            "balance updates as soon as the bank confirms."
        )
    return (
        "Usually under a minute. You can leave this page: your balance updates as soon as the "
        "bank confirms."
    )


def _steps(onramp: OnRampTransaction, bank: str, amount: str) -> Sequence[Step]:
    asked = Step(
        title=f"You asked for {amount}", text=f"From {bank}", at=onramp.created_at, state="done"
    )
    if onramp.status == _Status.FAILURE:
        if onramp.failure_reason == OTHER_AMOUNT:
            text = f"{bank} booked another amount"
            return [asked, Step(title="Put right", text=text, at=onramp.settled_at, state="done")]
        text = selectors.reason_in_words(onramp)
        title = "Not confirmed by the bank" if selectors.is_late(onramp) else "Declined at the bank"
        return [asked, Step(title=title, text=text, at=onramp.settled_at, state="fail")]
    if onramp.is_processing:
        return [
            asked,
            Step(title="Bank is confirming", text="Status: Processing", state="now"),
            Step(title="In your wallet"),
        ]
    reference = f"Bank's reference {onramp.bank_reference}"
    return [
        asked,
        Step(title="Bank confirmed", text=reference, at=onramp.settled_at, state="done"),
        Step(title="In your wallet", text="Ready to use", at=onramp.settled_at, state="done"),
    ]
