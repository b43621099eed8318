"""What the worker keeps tidy, once a day: what is over is deleted."""

from django.contrib.sessions.models import Session
from django.utils import timezone
from procrastinate import jobs
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
    """Mark the jobs that died with their worker as failed, so that staff see them."""
    for job in await app.job_manager.get_stalled_jobs():
        await app.job_manager.finish_job(job, jobs.Status.FAILED, delete_job=False)
