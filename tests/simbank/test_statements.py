"""What the simulated bank publishes of a day, and how NexaPay gets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from onramp import banks, statements
from onramp.banks import wire
from onramp.simbank.models import Payment, Payout
from onramp.statements import StatementLine
from tests.simbank.support import make_payment, serving

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 19)
NOON = datetime(2026, 11, 19, 6, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 18, 18, 30, tzinfo=UTC)  # In Kolkata.


@pytest.fixture
def _paths(settings: Any) -> None:
    """Let the test client see the bank's paths, as its own server does."""
    settings.ROOT_URLCONF = "onramp.simbank.api"


def approved(number: int, at: datetime = NOON, **terms: Any) -> Payment:
    payment = make_payment(token=f"{number:043}", reference=f"ONR-{number}", **terms)
    Payment.objects.filter(pk=payment.pk).update(status="approved", decided_at=at)
    return payment


def payout(number: int, status: str, **times: datetime) -> Payout:
    due = {"due_at": NOON} if status == "pending" else {}
    return Payout.objects.create(
        token=f"{number:043}",
        brand="lotus",
        account_holder="Ana Rao",
        account_number="123456",
        amount_minor=700,
        currency="INR",
        reference=f"OUT-{number}",
        status=status,
        bank_reference=f"LOT-{number}",
        created_at=MIDNIGHT,
        **due,
        **times,
    )


def asked(day: object = DAY, format: str = "csv", **headers: str) -> Any:
    headers = headers or {"Authorization": f"Bearer {settings.BANK_API_KEY}"}
    return Client().get(f"/api/statements/{day}?format={format}", headers=headers)


def read(body: bytes, format: str) -> list[StatementLine]:
    return list(statements.read(body=body, format=format, day=DAY))


@pytest.mark.usefixtures("_paths")
class TestAStatement:
    @pytest.mark.parametrize("format", statements.FORMATS)
    def test_lists_what_was_booked_that_day(self, format: str) -> None:
        first, last = approved(1, MIDNIGHT), approved(2, MIDNIGHT + timedelta(hours=24, seconds=-1))
        approved(3, MIDNIGHT - timedelta(seconds=1))
        approved(4, MIDNIGHT + timedelta(hours=24))
        make_payment(token="x" * 43)

        said = read(asked(format=format).getvalue(), format)

        assert [(s.token, s.reference, s.is_credit, s.amount_minor) for s in said] == [
            (first.token, "ONR-1", True, 50_000),
            (last.token, "ONR-2", True, 50_000),
        ]
        assert [s.bank_reference for s in said] == [first.bank_reference, last.bank_reference]

    @pytest.mark.parametrize("format", statements.FORMATS)
    def test_lists_payouts_and_what_came_back(self, format: str) -> None:
        later = NOON + timedelta(hours=1)
        payout(1, "succeeded", decided_at=NOON)
        payout(2, "returned", decided_at=NOON - timedelta(days=2), returned_at=later)
        payout(3, "failed", decided_at=NOON)
        payout(4, "pending")

        said = read(asked(format=format).getvalue(), format)

        assert [(s.bank_reference, s.kind, s.is_credit) for s in said] == [
            ("LOT-1", "payout", False),
            ("LOT-2", "return", True),
        ]

    @pytest.mark.parametrize("format", statements.FORMATS)
    def test_says_the_same_in_either_format_and_whenever_it_is_asked_for(self, format: str) -> None:
        approved(1, brand="lotus")
        approved(2, NOON + timedelta(minutes=1), currency="JPY")
        approved(3)

        assert read(asked(format=format).getvalue(), format) == read(asked().getvalue(), "csv")
        assert asked(format=format).getvalue() == asked(format=format).getvalue()

    def test_says_what_each_account_held_before_and_after(self) -> None:
        approved(1, NOON - timedelta(days=3), brand="lotus")
        payout(1, "succeeded", decided_at=NOON - timedelta(days=3))
        approved(2, brand="lotus")
        payout(2, "returned", decided_at=NOON, returned_at=NOON + timedelta(days=1))
        approved(3, currency="JPY")
        approved(4, NOON - timedelta(days=3), brand="harbour")

        csv, camt053 = (asked(format=each).getvalue().decode() for each in ("csv", "camt053"))

        assert csv.splitlines()[-3:] == [
            "balance,banyan,JPY,0,50000",
            "balance,lotus,INR,49300,98600",
            "end,3",
        ]
        assert '<Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="INR">493.00</Amt>' in camt053
        assert '<Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="INR">986.00</Amt>' in camt053
        assert '<Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="JPY">50000</Amt>' in camt053
        assert read(csv.encode(), "csv") == read(camt053.encode(), "camt053")

    def test_says_what_is_owed_as_a_debit(self) -> None:
        payout(1, "succeeded", decided_at=NOON)

        body = asked(format="camt053").getvalue()

        assert b'<Amt Ccy="INR">7.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt>' in body
        assert len(read(body, "camt053")) == 1

    @pytest.mark.parametrize("format", statements.FORMATS)
    def test_of_a_day_that_goes_on_says_no_balances(self, format: str) -> None:
        approved(1)

        with time_machine.travel(NOON + timedelta(minutes=1)):
            body = asked(format=format).getvalue()

        assert b"OPBD" not in body
        assert b"balance," not in body
        assert len(read(body, format)) == 1

    @pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "0001-01-01", "9999-12-31"])
    def test_is_of_a_day(self, day: str) -> None:
        assert asked(day).status_code == 400

    def test_is_in_one_of_its_formats(self) -> None:
        assert asked(format="pdf").status_code == 400

    def test_wants_the_key(self) -> None:
        assert asked(Authorization="Bearer guess").status_code == 401


@pytest.mark.django_db(transaction=True)
class TestNexaPay:
    @pytest.mark.parametrize("format", statements.FORMATS)
    def test_gets_it_over_http(self, bank_api: str, format: str) -> None:
        payment = approved(1)

        body = banks.get_bank().statement(day=DAY, format=format)

        assert [said.token for said in read(body, format)] == [payment.token]

    def test_knows_a_bank_that_does_not_answer(self, settings: Any) -> None:
        settings.BANK_API_URL = "http://127.0.0.1:9"

        with pytest.raises(banks.BankUnreachable):
            banks.get_bank().statement(day=DAY, format="csv")

    def test_takes_nothing_but_a_statement(self, bank_api: str, settings: Any) -> None:
        settings.BANK_API_KEY = "another"
        bank = banks.SimBank(api_url=bank_api, api_key="wrong", secrets=[])

        with pytest.raises(banks.BankUnreachable, match="401"):
            bank.statement(day=DAY, format="csv")

    def test_takes_no_endless_one(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """Guard: what comes is counted while it comes."""
        monkeypatch.setattr(wire, "MAX_BYTES", 100_000)
        with flooding() as settings.BANK_API_URL, pytest.raises(banks.BankUnreachable):
            banks.get_bank().statement(day=DAY, format="csv")


class _Flood(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65_536)
        except OSError:
            return

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def flooding() -> Iterator[str]:
    """A bank whose answer never ends."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), _Flood)) as url:
        yield url
