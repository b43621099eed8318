"""Run the background worker: the jobs of the queue, and what is due by the clock."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from procrastinate import PsycopgConnector, exceptions
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from nexapay.kernel import garbage

_CONCURRENCY = 4
_GRACE_S = 8
_DATABASE_WAIT_S = 5
_LOOK_EVERY_S = 0.5


class Command(BaseCommand):
    help = "Run the jobs of the queue and the periodic tasks, until SIGTERM or Ctrl-C."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it. Without its database it ends with an error, and the supervisor starts it anew."""
        garbage.look_seldom()
        try:
            was_told = asyncio.run(_work())
        except (exceptions.ProcrastinateException, PoolTimeout) as error:
            raise CommandError(f"The worker lost its database: {type(error).__name__}.") from None
        if not was_told:
            raise CommandError("The worker stopped because one of its parts failed.")


async def _work() -> bool:
    """Work until a signal says stop, and return whether one did; running jobs are finished."""
    running = asyncio.create_task(_run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return True
    return False


async def _run() -> None:
    async with _pool() as pool:
        await pool.wait(timeout=_DATABASE_WAIT_S)
        with app.replace_connector(PsycopgConnector()) as working:
            async with working.open_async(pool):
                await working.run_worker_async(
                    concurrency=_CONCURRENCY,
                    # Only a new job wakes it, not the end of one that others wait for.
                    fetch_job_polling_interval=_LOOK_EVERY_S,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=_GRACE_S,
                    install_signal_handlers=False,
                )


def _pool() -> AsyncConnectionPool:
    # Django's own settings for connections, and no long hope for a database that is away.
    return AsyncConnectionPool(
        kwargs=connector_params(),
        min_size=1,
        max_size=4,
        timeout=_DATABASE_WAIT_S,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )
