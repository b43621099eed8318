"""The simulated bank, spoken to over HTTP like any other."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.urls import reverse

from onramp import strict
from onramp.banks import signatures, wire
from onramp.banks.protocol import (
    BankUnreachable,
    Payment,
    PaymentReport,
    PaymentState,
    Payout,
    PayoutRefused,
    PayoutReport,
    PayoutState,
    Verified,
)

_UNKNOWN = "unknown_token"  # Its own word: any server answers 404 to a path it does not have.
_PAYMENT_STATES = {
    "awaiting": PaymentState.PENDING,
    "approved": PaymentState.SUCCEEDED,
    "declined": PaymentState.FAILED,
    "expired": PaymentState.FAILED,
}


class SimBank:
    """Its API has a key; its webhooks are signed as Standard Webhooks says."""

    name = "simbank"
    proof = signatures.PROOF

    def __init__(self, *, api_url: str, api_key: str, secrets: list[str]) -> None:
        self._api_url = api_url
        self._api_key = api_key
        self._keys = [signatures.key(secret) for secret in secrets]

    def create_payment(self, payment: Payment) -> str:
        asked = {
            "token": payment.token,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "bank": payment.bank,
            "reference": payment.reference,
            "expires_at": payment.expires_at.isoformat(),
            "return_url": payment.return_url,
        }
        answer = self._ask("POST", "payments", asked)
        if answer.status not in (200, 201):
            raise BankUnreachable(f"answered {answer.status}")
        return reverse("simbank:pay", args=[payment.token])

    def query_payment(self, *, token: str) -> PaymentReport:
        said = self._look("payments", token)
        if said is None:
            return PaymentReport(state=PaymentState.UNKNOWN)
        try:
            state = _PAYMENT_STATES[strict.text(said, "status", most=16)]
            return PaymentReport(state=state, **_facts(said, token))
        except (KeyError, strict.Malformed) as error:
            raise BankUnreachable("answered something else") from error

    def create_payout(self, payout: Payout) -> PayoutReport:
        asked = {
            "token": payout.token,
            "amount_minor": payout.amount_minor,
            "currency": payout.currency,
            "bank": payout.bank,
            "account_holder": payout.account_holder,
            "account_number": payout.account_number,
            "reference": payout.reference,
        }
        answer = self._ask("POST", "payouts", asked)
        if answer.status == 400:
            # Not believed at once: whoever answered may not be who takes payouts.
            found = self.query_payout(token=payout.token)
            if found.state != PayoutState.UNKNOWN:
                return found
            raise PayoutRefused(str(answer.said.get("error", ""))[:200])
        # 409 is no refusal: some payout has this token, and may well have been paid.
        if answer.status not in (200, 201):
            raise BankUnreachable(f"answered {answer.status}")
        return _payout(answer.said, payout.token)

    def query_payout(self, *, token: str) -> PayoutReport:
        said = self._look("payouts", token)
        return PayoutReport(state=PayoutState.UNKNOWN) if said is None else _payout(said, token)

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        return signatures.verify(self._keys, headers=headers, body=body, now=now)

    def statement(self, *, day: date, format: str) -> bytes:
        return wire.download(
            f"{self._api_url}/api/statements/{day}",
            headers=self._headers(),
            params={"format": format},
        )

    def _look(self, what: str, token: str) -> dict[str, Any] | None:
        """Return what the bank says of a token, or None where it says that it never saw it."""
        answer = self._ask("GET", f"{what}/{token}")
        if answer.status == 404 and answer.said.get("code") == _UNKNOWN:
            return None
        if answer.status != 200:
            raise BankUnreachable(f"answered {answer.status}")
        return answer.said

    def _ask(self, method: str, path: str, asked: dict[str, Any] | None = None) -> wire.Answer:
        return wire.ask(method, f"{self._api_url}/api/{path}", headers=self._headers(), json=asked)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"}


def _payout(said: dict[str, Any], token: str) -> PayoutReport:
    try:
        state = PayoutState(strict.text(said, "status", most=16))
        return PayoutReport(state=state, **_facts(said, token))
    except (ValueError, strict.Malformed) as error:
        raise BankUnreachable("answered something else") from error


def _facts(said: dict[str, Any], token: str) -> dict[str, Any]:
    """Return what payments and payouts have in common; an answer about another is none."""
    if strict.text(said, "token", most=128) != token:
        raise strict.Malformed("That is another one.")
    return {
        "amount_minor": strict.whole(said, "amount_minor"),
        "currency": strict.text(said, "currency", most=8),
        "bank_reference": strict.text(said, "bank_reference", most=64),
        "reason": strict.words(said, "reason"),
    }
