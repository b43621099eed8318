"""Run the background worker: the jobs of the queue, and what is due by the clock."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from procrastinate import exceptions
from procrastinate.contrib.django import app

_GRACE_S = 8
_CONCURRENCY = 4


class Command(BaseCommand):
    help = "Run the jobs of the queue and the periodic tasks, until SIGTERM or Ctrl-C."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it. A database that goes away ends it with an error, and the supervisor starts anew."""
        try:
            asyncio.run(_work())
        except exceptions.ProcrastinateException as error:
            raise CommandError(f"The worker lost its database: {type(error).__name__}.") from None


async def _work() -> None:
    connector = app.connector.get_worker_connector()  # type: ignore[attr-defined]
    with app.replace_connector(connector) as working:
        async with working.open_async():
            await working.run_worker_async(
                concurrency=_CONCURRENCY,
                delete_jobs="successful",
                shutdown_graceful_timeout=_GRACE_S,
            )
