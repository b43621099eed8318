"""What the pages about withdrawals say, put together from rows."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from nexapay.kernel import dates, money
from onramp import banks, selectors
from onramp.forms import AccountForm, WithdrawForm
from onramp.models import OTHER_AMOUNT, BankAccount, OffRampTransaction
from onramp.pages import Step
from onramp.services.cooling import Cooling
from onramp.services.withdrawing import label
from wallet.models import Wallet
from wallet.selectors import balance_in_words

FLOW = "Withdraw"
_SHOWN = 3  # Withdrawals under the form.
Listed = tuple[BankAccount, str, datetime | None]  # An account, its bank, until when it is new.
_Status = OffRampTransaction.Status
_BADGES = {
    _Status.REQUESTED.value: "processing",
    _Status.SUBMITTED.value: "processing",
    _Status.SUCCESS.value: "complete",
    _Status.FAILURE.value: "failed",
    _Status.RETURNED.value: "returned",
    _Status.CANCELLED.value: "cancelled",
}


def ask(
    form: WithdrawForm, wallet: Wallet, accounts: Sequence[BankAccount], cooling: Cooling
) -> dict[str, Any]:
    """Return what the form's page needs."""
    has_new = any(each.pk in cooling.until for each in accounts)
    return {
        "flow": FLOW,
        "step": 1,
        "step_count": 2,
        "form": form,
        "hint": f"{balance_in_words(wallet)}. No fee.",
        "wallet": wallet,
        "accounts": _listed(accounts, cooling),
        "limit": _limit(cooling, wallet.currency) if has_new else "",
        "cancel_s": settings.PAYOUT_SUBMIT_AFTER_S,
        "is_simulated": settings.BANK == "simbank",
        "recent": [
            {
                "offramp": each,
                "label": label(each.account),
                "badge": _BADGES[each.status],
            }
            for each in selectors.withdrawals(wallet_id=wallet.pk, limit=_SHOWN)
        ],
    }


def accounts(
    form: AccountForm, wallet: Wallet, mine: Sequence[BankAccount], cooling: Cooling
) -> dict[str, Any]:
    """Return what the page of accounts needs."""
    return {
        "flow": "Bank accounts",
        "form": form,
        "accounts": _listed(mine, cooling),
        "limit": _limit(cooling, wallet.currency),
        "choices": list(banks.CHOICES.values()),
        "is_simulated": settings.BANK == "simbank",
    }


def _listed(accounts: Sequence[BankAccount], cooling: Cooling) -> list[Listed]:
    return [(each, banks.name_of(each.bank), cooling.until.get(each.pk)) for each in accounts]


def _limit(cooling: Cooling, currency: str) -> str:
    """Say what new accounts may get, before anybody is refused."""
    most, left = (
        money.format(minor, currency)
        for minor in (settings.PAYOUT_NEW_ACCOUNT_MAX_MINOR, cooling.left_minor)
    )
    if not cooling.until:
        return (
            f"For 24 hours after you add an account, it gets {most} at most: all new accounts "
            "together."
        )
    until = dates.full(max(cooling.until.values()))
    return f"Until {until}, new accounts get {most} at most, all together. {left} of it is left."


def detail(offramp: OffRampTransaction) -> dict[str, Any]:
    """Return what the page of one withdrawal and its live part need."""
    told = _Told(offramp)
    return {
        "flow": FLOW,
        "step": 2,
        "step_count": 2,
        "offramp": offramp,
        "title": told.title(),
        "comfort": told.comfort(),
        "steps": told.steps(),
        "receipts": selectors.receipts_of(offramp),
    }


class _Told:
    """One withdrawal in words."""

    def __init__(self, offramp: OffRampTransaction) -> None:
        self.offramp = offramp
        self.amount = money.format(offramp.amount_minor, offramp.currency)
        self.bank = banks.name_of(offramp.bank)
        self.account = label(offramp.account).replace("• ", "•\N{NO-BREAK SPACE}")

    def title(self) -> str:
        """Say how it stands, in one line."""
        return {
            _Status.REQUESTED.value: f"{self.amount} on its way out",
            _Status.SUBMITTED.value: f"Waiting for {self.bank}",
            _Status.SUCCESS.value: f"{self.amount} withdrawn",
            _Status.FAILURE.value: f"{self.bank} {self._verb()}",
            _Status.RETURNED.value: f"{self.bank} sent this back",
            _Status.CANCELLED.value: "Withdrawal cancelled",
        }[self.offramp.status]

    def _is_put_right(self) -> bool:
        return self.offramp.failure_reason == OTHER_AMOUNT

    def _verb(self) -> str:
        return "paid another amount" if self._is_put_right() else "did not pay this"

    def comfort(self) -> str:
        """Say what it means for the person's money; never more than we know."""
        if self.offramp.status == _Status.REQUESTED:
            return self._until()
        if self.offramp.status == _Status.SUBMITTED:
            return self._patience()
        if self._is_put_right():
            paid = f"{self.bank} paid another amount than you asked for."
            return f"{paid} Activity shows our correction."
        have = money.format(self.offramp.wallet.balance.available_minor, self.offramp.currency)
        return {
            _Status.SUCCESS.value: f"It was paid to {self.account}.",
            _Status.FAILURE.value: f"Nothing left your wallet. You have {have} available.",
            _Status.RETURNED.value: f"It is in your wallet again. You have {have} available.",
            _Status.CANCELLED.value: f"Nothing left your wallet. You have {have} available.",
        }[self.offramp.status]

    def _patience(self) -> str:
        since = self.offramp.submitted_at
        if selectors.is_doubted(self.offramp):
            return (
                f"{self.bank} told us of this payment, but not as you asked for it. The money "
                "stays on hold, and nothing is lost: we find out what became of it."
            )
        if since and selectors.is_slow(since, timezone.now()):
            return (
                f"This takes longer than usual. We ask {self.bank} how it stands. The money stays "
                "on hold, and nothing is lost."
            )
        return "Usually under a minute. The money stays on hold, and you can leave this page."

    def _until(self) -> str:
        if selectors.is_slow(self.offramp.submits_at, timezone.now()):
            return "It has not gone to the bank yet, and nothing has left. You can still cancel."
        if self.offramp.submits_at <= timezone.now():
            return "It goes to the bank within a minute. You can still cancel."
        return f"You can cancel until {dates.clock(self.offramp.submits_at)}. Nothing has left yet."

    def steps(self) -> list[Step]:
        """Say what happened and what is to come, in order."""
        offramp = self.offramp
        asked = Step(
            title=f"You asked for {self.amount}",
            text=f"On hold, to {self.account}",
            at=offramp.created_at,
            state="done",
        )
        rest: dict[str, Callable[[], list[Step]]] = {
            _Status.REQUESTED.value: self._to_come,
            _Status.SUBMITTED.value: self._with_the_bank,
            _Status.SUCCESS.value: self._paid,
            _Status.FAILURE.value: self._failed,
            _Status.RETURNED.value: self._returned,
            _Status.CANCELLED.value: self._cancelled,
        }
        return [asked, *rest[offramp.status]()]

    def _to_come(self) -> list[Step]:
        is_over = self.offramp.submits_at <= timezone.now()
        text = "Within a minute" if is_over else f"At {dates.clock(self.offramp.submits_at)}"
        return [Step(title="Goes to the bank", text=text, state="now"), Step(title="Paid out")]

    def _sent(self) -> Step:
        return Step(title="Sent to the bank", at=self.offramp.submitted_at, state="done")

    def _with_the_bank(self) -> list[Step]:
        return [self._sent(), Step(title="Bank is paying", text="Status: Processing", state="now")]

    def _paid(self) -> list[Step]:
        reference = f"Bank's reference {self.offramp.bank_reference}"
        paid = Step(title="Paid out", text=reference, at=self.offramp.settled_at, state="done")
        return [self._sent(), paid]

    def _failed(self) -> list[Step]:
        if self._is_put_right():
            text = f"{self.bank} booked another amount"
            at = self.offramp.settled_at
            return [self._sent(), Step(title="Put right", text=text, at=at, state="done")]
        text = f"Reason given: {self.offramp.failure_reason}"
        failed = Step(
            title="Not paid by the bank", text=text, at=self.offramp.settled_at, state="fail"
        )
        return [self._sent(), failed]

    def _returned(self) -> list[Step]:
        text = f"Reason given: {self.offramp.failure_reason}"
        at = self.offramp.returned_at
        return [
            *self._paid(),
            Step(title="Sent back", text=text, at=at, state="fail"),
            Step(title="In your wallet again", text="Ready to use", at=at, state="done"),
        ]

    def _cancelled(self) -> list[Step]:
        return [
            Step(
                title="You cancelled it",
                text="The money is yours to spend again",
                at=self.offramp.settled_at,
                state="done",
            )
        ]
