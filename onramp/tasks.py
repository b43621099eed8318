"""What the worker does for on-ramps by the clock."""

from django.utils import timezone
from procrastinate.contrib.django import app

from onramp import services


@app.periodic(cron="* * * * *")
@app.task(name="onramp.expire", queueing_lock="onramp.expire")
def expire(timestamp: int) -> int:
    """Fail the on-ramps that nobody finished in time; timestamp is when this run was due."""
    return services.expire_onramps(now=timezone.now())
