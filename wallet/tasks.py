"""What the worker does for the books by the clock."""

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from wallet import checkpoints, services


@app.periodic(cron=f"*/{checkpoints.EVERY_MIN} * * * *")
@app.task(name="wallet.checkpoint", queueing_lock="wallet.checkpoint")
def checkpoint(timestamp: int) -> int:
    """
    Publish a checkpoint; timestamp is when this run was due. Returns the entries it covers.

    Where no key is set, nothing is signed: 0. A refusal is the job's failure, which is logged.
    """
    if settings.CHECKPOINT_KEY is None:
        return 0
    published = checkpoints.publish(signer=checkpoints.signer(), now=timezone.now())
    return published.size if published else 0


@app.periodic(cron="* * * * *")
@app.task(name="wallet.expire_holds", queueing_lock="wallet.expire_holds")
def expire_holds(timestamp: int) -> int:
    """Release the holds whose time is over; timestamp is when this run was due."""
    return services.expire_holds(now=timezone.now())
