"""A bank's statements for tests, as files of either format, and what they are held against."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from nexapay.kernel import money
from onramp import services
from onramp.models import Break, OnRampTransaction, Statement
from onramp.simbank.models import Payment
from onramp.statements import Kind, StatementLine
from onramp.statements.csv import HEADER
from tests.onramp.support import message, start
from tests.simbank.support import make_payment
from wallet.models import Wallet

DAY = date(2026, 11, 19)
NOON = datetime(2026, 11, 19, 6, 30, tzinfo=UTC)  # In Kolkata.
LATER = NOON + timedelta(days=2)
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def line(**changes: Any) -> StatementLine:
    """Return a payment of 500.00, but for the changes."""
    usual: dict[str, Any] = {
        "bank": "banyan",
        "bank_reference": "BAN-0001",
        "token": "t" * 43,
        "reference": "ONR-93B2-71D0",
        "kind": Kind.PAYMENT,
        "is_credit": True,
        "amount_minor": 50_000,
        "currency": "INR",
        "booked_at": NOON,
    }
    return StatementLine(**usual | changes)


def csv(lines: Sequence[StatementLine]) -> bytes:
    """Return the statement as CSV."""
    rows = [
        (
            *(said.bank, said.bank_reference, said.token, said.reference, said.kind),
            *("credit" if said.is_credit else "debit", str(said.amount_minor), said.currency),
            said.booked_at.isoformat(),
        )
        for said in lines
    ]
    return text([HEADER, *rows, ("end", str(len(lines)))])


def text(rows: Sequence[Sequence[str]]) -> bytes:
    """Return rows as CSV; nothing in them needs a quote."""
    return "".join(f"{','.join(row)}\n" for row in rows).encode()


def camt053(lines: Sequence[StatementLine]) -> bytes:
    """Return the statement as CAMT.053, one Stmt for each account in turn."""
    accounts = dict.fromkeys(said.bank for said in lines)
    return document("".join(stmt([x for x in lines if x.bank == bank], bank) for bank in accounts))


def document(inside: str, *, before: str = "", namespace: str = _NAMESPACE) -> bytes:
    """Return a file with this inside."""
    root = f'<Document xmlns="{namespace}"><BkToCstmrStmt>{inside}</BkToCstmrStmt></Document>'
    return f"<?xml version='1.0'?>\n{before}{root}".encode()


def stmt(lines: Sequence[StatementLine], bank: str = "banyan") -> str:
    """Return one account's part."""
    account = f"<Acct><Id><Othr><Id>{bank}</Id></Othr></Id></Acct>"
    return f"<Stmt><Id>1</Id>{account}{''.join(map(entry, lines))}</Stmt>"


def entry(said: StatementLine) -> str:
    """Return one entry."""
    token = f"<RmtInf><Ustrd>{said.token}</Ustrd></RmtInf>" if said.token else ""
    reference = said.reference or "NOTPROVIDED"
    return (
        f"<Ntry>{amount(said)}{'<RvslInd>true</RvslInd>' if said.kind == Kind.RETURN else ''}"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>{said.booked_at.isoformat()}</DtTm></BookgDt>"
        f"<AcctSvcrRef>{said.bank_reference}</AcctSvcrRef>"
        f"<BkTxCd><Prtry><Cd>{said.kind}</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs>"
        f"<EndToEndId>{reference}</EndToEndId></Refs>{token}</TxDtls></NtryDtls></Ntry>"
    )


def amount(said: StatementLine) -> str:
    """Return what an entry says of its amount."""
    plain = money.plain(said.amount_minor, said.currency)
    direction = "CRDT" if said.is_credit else "DBIT"
    return f'<Amt Ccy="{said.currency}">{plain}</Amt><CdtDbtInd>{direction}</CdtDbtInd>'


def settled(
    amount_minor: int = 50_000,
    *,
    at: datetime = NOON,
    wallet: Wallet | None = None,
    bank: str = "banyan",
) -> OnRampTransaction:
    """Return an on-ramp that the bank confirmed, and we credited, at that time."""
    onramp = start(wallet, amount_minor, now=at - timedelta(minutes=1), bank=bank)
    tell(onramp, at=at)
    onramp.refresh_from_db()
    return onramp


def tell(onramp: OnRampTransaction, kind: str = "success", *, at: datetime = NOON) -> None:
    """Hear from the bank how it ended."""
    body = json.dumps(message(onramp, kind)).encode()
    event_id = f"evt_{uuid4().hex}"
    services.record_bank_event(bank="simbank", event_id=event_id, body=body, headers={}, now=at)


def listed(onramp: OnRampTransaction, **changes: Any) -> StatementLine:
    """Return the line of that on-ramp, as the bank books it."""
    usual = {
        "bank": onramp.bank,
        "bank_reference": f"BNY-{onramp.pk}",
        "token": onramp.token,
        "reference": onramp.reference,
        "amount_minor": onramp.amount_minor,
        "booked_at": onramp.settled_at or onramp.created_at,
    }
    return line(**usual | changes)


def reconcile(
    *lines: StatementLine, day: date = DAY, now: datetime | None = None, format: str = "csv"
) -> Statement:
    """Reconcile that day with a statement of these lines, two days later."""
    body = csv(lines) if format == "csv" else camt053(lines)
    given = services.Given(bank="simbank", day=day, format=format, body=body)
    return services.reconcile(given=given, now=now or LATER)


def found(statement: Statement) -> list[tuple[str, int, int]]:
    """Return the open breaks of a statement: kind, theirs, ours."""
    rows = Break.objects.filter(statement=statement, status="open").order_by("pk")
    return list(rows.values_list("kind", "theirs_minor", "ours_minor"))


def booked(onramp: OnRampTransaction, **terms: Any) -> Payment:
    """Let the simulated bank have booked it, at the time at which we credited it."""
    payment = make_payment(
        token=onramp.token, reference=onramp.reference, amount_minor=onramp.amount_minor, **terms
    )
    Payment.objects.filter(pk=payment.pk).update(status="approved", decided_at=onramp.settled_at)
    return payment
