"""What the worker does for people by the clock."""

from django.utils import timezone
from procrastinate.contrib.django import app

from accounts import mailing


@app.periodic(cron="* * * * *")
@app.task(name="accounts.mail_notices", queueing_lock="accounts.mail_notices")
def mail_notices(timestamp: int) -> int:
    """Mail the notices that wait for it; timestamp is when this run was due."""
    return mailing.mail_notices(now=timezone.now())
