"""The adapter of the simulated bank, over real HTTP: what it asks, and what it makes of answers."""

from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils import timezone

from onramp.banks import (
    Bank,
    BankAway,
    BankUnreachable,
    PaymentReport,
    PaymentState,
    Payout,
    PayoutRefused,
    PayoutReport,
    PayoutState,
    get_bank,
)
from onramp.simbank import payouts, services
from onramp.simbank.models import Payment
from onramp.simbank.models import Payout as PayoutThere
from tests.onramp.offramps import refusing
from tests.simbank.support import TOKEN, make_payment, serving

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(minutes=1)


def payout(**changes: Any) -> Payout:
    fields: dict[str, Any] = {
        "token": TOKEN,
        "amount_minor": 20_000,
        "currency": "INR",
        "bank": "harbour",
        "account_holder": "Ana Rao",
        "account_number": "123456781234",
        "reference": "WDR-1234-ABCD",
    }
    return Payout(**fields | changes)


@pytest.fixture
def bank(bank_api: str) -> Bank:
    return get_bank()


class TestAskingAboutAPayment:
    def test_hears_that_the_bank_never_saw_it(self, bank: Bank) -> None:
        assert bank.query_payment(token=TOKEN) == PaymentReport(state=PaymentState.UNKNOWN)

    def test_hears_that_it_waits(self, bank: Bank) -> None:
        there = make_payment()

        assert bank.query_payment(token=TOKEN) == PaymentReport(
            state=PaymentState.PENDING,
            amount_minor=50_000,
            currency="INR",
            bank_reference=there.bank_reference,
        )

    @pytest.mark.parametrize(
        ("decision", "state", "reason"),
        [
            ("approve", PaymentState.SUCCEEDED, None),
            ("decline", PaymentState.FAILED, "declined by customer"),
        ],
    )
    def test_hears_what_the_customer_decided(
        self, bank: Bank, decision: str, state: PaymentState, reason: str | None
    ) -> None:
        make_payment()
        services.decide(
            token=TOKEN, is_approved=decision == "approve", mode="now", now=timezone.now()
        )

        report = bank.query_payment(token=TOKEN)

        assert (report.state, report.reason) == (state, reason)

    def test_hears_that_it_expired(self, bank: Bank) -> None:
        make_payment()
        services.expire_payments(now=timezone.now() + timedelta(hours=1))

        report = bank.query_payment(token=TOKEN)

        assert (report.state, report.reason) == (PaymentState.FAILED, "not approved in time")
        assert Payment.objects.get().status == "expired"


class TestAPayout:
    def test_is_taken_once_however_often_it_is_asked(self, bank: Bank) -> None:
        first, second = bank.create_payout(payout()), bank.create_payout(payout())

        assert first == second == bank.query_payout(token=TOKEN)
        assert (first.state, first.amount_minor) == (PayoutState.PENDING, 20_000)
        assert PayoutThere.objects.count() == 1

    def test_is_refused_for_good_when_the_bank_says_no(self, bank: Bank) -> None:
        with pytest.raises(PayoutRefused, match="account_number"):
            bank.create_payout(payout(account_number="?"))

        assert bank.query_payout(token=TOKEN) == PayoutReport(state=PayoutState.UNKNOWN)

    @pytest.mark.parametrize(
        ("number", "rounds", "state"),
        [
            ("1234", 0, PayoutState.PENDING),
            ("1234", 1, PayoutState.SUCCEEDED),
            ("0000", 1, PayoutState.FAILED),
            ("9999", 2, PayoutState.RETURNED),
        ],
    )
    def test_that_was_taken_in_spite_of_a_refusal_stands_as_it_does(
        self,
        bank: Bank,
        monkeypatch: pytest.MonkeyPatch,
        number: str,
        rounds: int,
        state: PayoutState,
    ) -> None:
        bank.create_payout(payout(account_number=number))
        for times in range(rounds):
            payouts.decide_payouts(now=timezone.now() + (times + 1) * LATER)
        refusing(monkeypatch)

        assert bank.create_payout(payout(account_number=number)).state == state

    def test_that_was_refused_by_a_bank_that_cannot_be_asked_is_not_called_refused(
        self, settings: Any
    ) -> None:
        talker = Talker(400, b'{"error": "no"}')

        with serving(talker) as settings.BANK_API_URL, pytest.raises(BankUnreachable):
            get_bank().create_payout(payout())

    def test_with_other_terms_is_not_called_refused(self, bank: Bank) -> None:
        """A payout of that token exists, and may be paid: nobody may give the money back."""
        bank.create_payout(payout())

        with pytest.raises(BankUnreachable, match="409"):
            bank.create_payout(payout(amount_minor=1))

    @pytest.mark.parametrize(
        ("number", "states"),
        [
            ("1234", [PayoutState.SUCCEEDED, PayoutState.SUCCEEDED]),
            ("0000", [PayoutState.FAILED, PayoutState.FAILED]),
            ("9999", [PayoutState.SUCCEEDED, PayoutState.RETURNED]),
        ],
    )
    def test_ends_as_its_account_says(
        self, bank: Bank, number: str, states: list[PayoutState]
    ) -> None:
        bank.create_payout(payout(account_number=number))

        found = []
        for times in (1, 2):
            payouts.decide_payouts(now=timezone.now() + times * LATER)
            found.append(bank.query_payout(token=TOKEN).state)

        assert found == states


class Talker(ThreadingHTTPServer):
    """Answers everything with the same status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body = status, body


class _Handler(BaseHTTPRequestHandler):
    server: Talker

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


KNOWN = (
    '{"token": "%s", "status": "%s", "amount_minor": %s, "currency": "INR",'
    ' "bank_reference": "B-1", "reason": null}'
)


class TestAnAnswerThatIsNone:
    """A guess here would expire what was paid, or pay twice: it counts as no answer."""

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (404, "{}"),
            (404, '{"error": "There is nothing here."}'),
            (404, "<h1>Not found</h1>"),
            (500, "{}"),
            (302, "{}"),
            (401, '{"code": "unknown_token"}'),
            (200, ""),
            (200, "[]"),
            (200, "{}"),
            (200, KNOWN % ("another-token-than-asked", "approved", 1)),
            (200, KNOWN % (TOKEN, "perhaps", 1)),
            (200, KNOWN % (TOKEN, "approved", '"1"')),
            (200, KNOWN % (TOKEN, "approved", 1) + " " * 300_000),
        ],
    )
    @pytest.mark.parametrize("question", ["query_payment", "query_payout"])
    def test_is_told_apart_from_an_unknown_token(
        self, settings: Any, question: str, status: int, body: str
    ) -> None:
        talker = Talker(status, body.encode())

        with serving(talker) as settings.BANK_API_URL, pytest.raises(BankUnreachable) as caught:
            getattr(get_bank(), question)(token=TOKEN)
        assert not isinstance(caught.value, BankAway)

    def test_is_told_apart_from_the_silence_of_a_bank_that_is_away(self, settings: Any) -> None:
        settings.BANK_API_URL = "http://127.0.0.1:9"

        with pytest.raises(BankAway):
            get_bank().create_payout(payout())
