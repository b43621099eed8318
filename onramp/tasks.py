"""What the worker does for on-ramps and off-ramps by the clock."""

from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from onramp import banks, services


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
