"""What the worker does for on-ramps and off-ramps by the clock."""

import structlog
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from onramp import banks, services
from onramp.desk import reads

_TOLD = 10  # So many of a day's breaks stand in the log; all are on the staff's page.
_log = structlog.get_logger("nexapay.reconcile")


@app.periodic(cron="* * * * *")
@app.task(name="onramp.ask", queueing_lock="onramp.ask")
def ask(timestamp: int) -> int:
    """Ask the bank about on-ramps it left open; timestamp is when this run was due."""
    return services.ask_about_onramps(bank=banks.get_bank(), now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="onramp.pay", queueing_lock="onramp.pay")
def pay(timestamp: int) -> int:
    """Send withdrawals to the bank, when their owners had time to cancel."""
    return services.submit_withdrawals(bank=banks.get_bank(), now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="onramp.ask_payouts", queueing_lock="onramp.ask_payouts")
def ask_payouts(timestamp: int) -> int:
    """Ask the bank about withdrawals it left open; timestamp is when this run was due."""
    return services.ask_about_withdrawals(bank=banks.get_bank(), now=timezone.now())


@app.periodic(cron="*/10 * * * *")
@app.task(name="onramp.ask_returns", queueing_lock="onramp.ask_returns")
def ask_returns(timestamp: int) -> int:
    """Ask the bank whether withdrawals that it paid lately came back."""
    return services.ask_about_returns(bank=banks.get_bank(), now=timezone.now())


@app.task(name=services.APPLY, retry=RetryStrategy(max_attempts=8, exponential_wait=2))
def apply() -> int:
    """Apply the events that wait in the inbox; deferred in the transaction that stored some."""
    return services.apply_waiting_events(clock=timezone.now)


@app.periodic(cron="* * * * *")
@app.task(name="onramp.sweep", queueing_lock="onramp.sweep")
def sweep(timestamp: int) -> int:
    """Apply what a job left that died; where another is at it, leave it to that one."""
    try:
        return services.apply_waiting_events(clock=timezone.now)
    except services.Busy:
        return 0


@app.periodic(cron="30 1 * * *")
@app.task(
    name="onramp.reconcile",
    queueing_lock="onramp.reconcile",
    retry=RetryStrategy(max_attempts=6, wait=600),
)
def reconcile(timestamp: int) -> int:
    """
    Reconcile yesterday, and days before it that were missed; return how many breaks are open.

    A bank that does not answer is asked again every ten minutes for an hour, and tomorrow.
    """
    found = 0
    for day in services.days_due(now=timezone.now()):
        try:
            given = services.fetch_statement(day=day)
        except banks.NoStatement:
            break  # It comes as a file, by hand.
        statement = services.reconcile(given=given, now=timezone.now())
        lines = [reads.in_a_line(each) for each in reads.open_of(statement_id=statement.pk)]
        if lines:
            _log.warning("breaks", day=str(day), count=len(lines), first=lines[:_TOLD])
        found += len(lines)
    return found
