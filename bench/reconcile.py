"""
A day's statement of 100,000 lines against as many credits, from the first byte to the last break.

A thousand of the lines differ from the ledger in one way or another. Each format supersedes the
other in turn, so that each is read, kept and matched anew; the third case is the same bytes again.
"""

import time
from datetime import date, timedelta

from django.utils import timezone

from bench import people, report
from bench.report import Case, Ratio
from bench.webhooks import drain
from onramp import services
from onramp.models import OnRampTransaction, Statement
from onramp.simbank import statements
from onramp.simbank.models import Payment

WALLETS = 1_000
LINES = 100_000
ODD = 100  # One line of so many disagrees: listed by the bank alone, or not at all, or otherwise.
MOST_S = 30


def main(rounds: int, seconds: float, *, only: str) -> None:
    """Measure and report."""
    wallets = people.make(WALLETS)
    for first in range(0, LINES, 10_000):
        report.progress(f"Crediting {first:,} of {LINES:,} ...")
        for _ in drain(people.say(people.ask_many(wallets, 10_000, timezone.now())), 1_000):
            pass
    day = timezone.localdate()
    remember()
    bodies = {name: written(name, day) for name in statements.FORMATS}
    cases = [
        Case("CSV, read and matched", lambda: reconcile("csv", day, bodies["csv"]), " s"),
        Case("CSV, the same bytes again", lambda: reconcile("csv", day, bodies["csv"]), " s"),
        Case(
            "CAMT.053, read and matched", lambda: reconcile("camt053", day, bodies["camt053"]), " s"
        ),
    ]
    cases = [case for case in cases if only in case.name]
    report.alternate(cases, rounds)
    figures = [Ratio(f"{c.name}, to {MOST_S} s", c.median / MOST_S, 1, at_most=True) for c in cases]
    report.finish("reconcile", cases, figures, found=found(day))


def remember() -> None:
    """Let the bank have booked the same payments, but for the odd ones."""
    booked = OnRampTransaction.objects.filter(status="success").order_by("pk")
    payments = []
    for number, onramp in enumerate(booked.iterator()):
        if number % (3 * ODD) != 0:
            payments.append(_payment(onramp, odd_by=number % (3 * ODD) == ODD))
        if number % (3 * ODD) == 2 * ODD:
            payments.append(_stranger(onramp))
    Payment.objects.bulk_create(payments, batch_size=5_000)


def _payment(onramp: OnRampTransaction, *, odd_by: int) -> Payment:
    return Payment(
        token=onramp.token,
        brand=onramp.bank,
        amount_minor=onramp.amount_minor + odd_by,
        currency=onramp.currency,
        reference=onramp.reference,
        return_url="http://127.0.0.1/",
        expires_at=onramp.expires_at,
        status=Payment.Status.APPROVED,
        bank_reference=str(onramp.bank_reference)[:32],
        created_at=onramp.created_at,
        decided_at=onramp.settled_at,
    )


def _stranger(onramp: OnRampTransaction) -> Payment:
    """Return a payment that we know nothing of."""
    payment = _payment(onramp, odd_by=0)
    payment.token, payment.bank_reference = f"stranger-{onramp.pk:034}", f"STR-{onramp.pk}"
    payment.reference = "Rent"
    return payment


def written(name: str, day: date) -> bytes:
    """Return the bank's statement of the day, in that format."""
    _, lines = statements.FORMATS[name]
    began = time.monotonic()
    body = "".join(lines(day)).encode()
    report.progress(f"{name}: {len(body):,} bytes written in {time.monotonic() - began:.1f} s")
    return body


def reconcile(format: str, day: date, body: bytes) -> float:
    """Reconcile the day, once it is over; return how long that took."""
    given = services.Given(bank="simbank", day=day, format=format, body=body)
    began = time.monotonic()
    services.reconcile(
        given=given, now=timezone.now() + timedelta(days=2), progress=report.progress
    )
    return time.monotonic() - began


def found(day: date) -> dict[str, int]:
    """Return the figures of the newest statement."""
    names = ("lines", "matched", "missing_here", "missing_there", "differs", "repeated", "waiting")
    statement = Statement.objects.get(day=day, superseded_at=None)
    return {name: getattr(statement, name) for name in names}
