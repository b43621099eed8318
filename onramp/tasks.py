"""What the worker does for on-ramps by the clock."""

from django.utils import timezone
from procrastinate.contrib.django import app

from onramp import banks, services


@app.periodic(cron="* * * * *")
@app.task(name="onramp.ask", queueing_lock="onramp.ask")
def ask(timestamp: int) -> int:
    """Ask the bank about on-ramps it left open; timestamp is when this run was due."""
    return services.ask_about_onramps(bank=banks.get_bank(), now=timezone.now())
