"""What the worker keeps tidy: what is over is deleted, what died is tried again."""

from django.contrib.sessions.models import Session
from django.utils import timezone
from procrastinate import exceptions, jobs
from procrastinate.contrib.django import app

from nexapay.kernel import throttle

_KEPT_JOBS_HOURS = 7 * 24


@app.periodic(cron="17 3 * * *")
@app.task(name="kernel.forget_sessions", queueing_lock="kernel.forget_sessions")
def forget_sessions(timestamp: int) -> int:
    """Delete sessions that have expired; timestamp is when this run was due."""
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]


@app.periodic(cron="27 3 * * *")
@app.task(name="kernel.forget_throttles", queueing_lock="kernel.forget_throttles")
def forget_throttles(timestamp: int) -> int:
    """Delete rate-limit windows that are over."""
    return throttle.forget_old()


@app.periodic(cron="37 3 * * *")
@app.task(name="kernel.forget_jobs", queueing_lock="kernel.forget_jobs")
async def forget_jobs(timestamp: int) -> None:
    """Delete jobs that failed a week ago; those that succeeded went when they were done."""
    await app.job_manager.delete_old_jobs(
        nb_hours=_KEPT_JOBS_HOURS,
        include_failed=True,
        include_cancelled=True,
        include_aborted=True,
    )


@app.periodic(cron="* * * * *")
@app.task(name="kernel.bury_jobs", queueing_lock="kernel.bury_jobs")
async def bury_jobs(timestamp: int) -> None:
    """
    Have the jobs that died with their worker tried again, where their task says so.

    Others, and those that were tried often enough, are marked as failed, so that staff see them.
    """
    for job in await app.job_manager.get_stalled_jobs():
        if not await _is_retried(job):
            await app.job_manager.finish_job(job, jobs.Status.FAILED, delete_job=False)


async def _is_retried(job: jobs.Job) -> bool:
    """Put it back into the queue, as if it had failed by itself; return whether it is there."""
    task = app.tasks.get(job.task_name)
    strategy = task.retry_strategy if task else None
    again = strategy.get_retry_decision(exception=_WorkerDied(), job=job) if strategy else None
    if again is None:
        return False
    try:
        await app.job_manager.retry_job(job, retry_at=again.retry_at)
    except exceptions.UniqueViolation:
        return False  # Another of its kind waits already.
    return True


class _WorkerDied(Exception):
    """What happened to a job whose worker is gone."""
