"""The engine's tasks: doorbells that wake a drain, and the tending that finds what a lost bell left behind.

A job says only "look at this project"; what is owed stands in the deliveries. Losing a job costs seconds,
never a delivery. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateEvent
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from integration.drain import drain
from integration.drain.loop import LEASE_MARGIN_SECONDS, LINGER_SECONDS, LONGEST_WAIT, SLICE_SECONDS
from integration.inquiry.checking import check_project as look_at_project
from integration.inquiry.comparing import DAYS, go_on
from integration.intercom.client import ATTEMPT_SECONDS
from integration.models import Delivery, Project, Reconciliation
from integration.models.recounting import count_on
from integration.models.retention import prune_found, pruning
from integration.models.revenuecat_settings import Nightly
from integration.models.standings import look_after

logger = logging.getLogger(__name__)

DRAIN_QUEUE = "drain"
TEND_QUEUE = "tend"
PRUNE_QUEUE = "prune"
RECONCILE_QUEUE = "reconcile"
REDELIVER_QUEUE = "redeliver"
EVERY_NIGHT = "41 2 * * *"
EVERY_MORNING = "23 5 * * *"
EVERY_HOUR = "17 * * * *"
# croniter reads a sixth field as seconds.
EVERY_FIVE_SECONDS = "* * * * * */5"
EVERY_FIFTEEN_SECONDS = "* * * * * */15"
EVERY_MINUTE = "* * * * *"
DRAIN_TASK = "integration.drain"
PRUNE_TASK = "integration.prune"
RECONCILE_TASK = "integration.reconcile"
CHECK_TASK = "integration.check_project"
# Between two batches the disk belongs to the others.
PRUNE_PAUSE_SECONDS = 0.05
PRUNE_POLLING_SECONDS = 5.0
# Somebody may have pressed the button.
RECONCILE_POLLING_SECONDS = 2.0
# So much of every fifteen seconds is for counting what the front page shows: the first time it has a month before it.
COUNTING_SECONDS = 3.0
# How many projects one worker drains at the same time.
PROJECTS_AT_ONCE = 8
# A worker that has not been heard of for this long is taken for dead, and its drains go to another one.
# With the tending every five seconds a killed worker's project is drained again well within a minute.
HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 20.0
# Nobody notifies a worker of a bell that was rung while the drain before was ending: its lock was held then,
# and letting go of a lock is no notification. So this is how late such an event may be.
POLLING_SECONDS = 0.25
# A drain that still stands in the books after this long has ended: a slice, a wait for a rate limit, an attempt.
LONGEST_DRAIN = timedelta(seconds=SLICE_SECONDS + ATTEMPT_SECONDS + LEASE_MARGIN_SECONDS) + LONGEST_WAIT

_RUNG = "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = %s LIMIT 1"

# Set when this process is asked to stop: drains finish what is in flight and claim nothing more.
stopping = threading.Event()

# On Django's own connection, in the worker too, where the app itself speaks through an asynchronous pool.
_doorbell = JobManager(DjangoConnector())


def ring(project_id: uuid.UUID) -> None:
    """Have the project drained soon. Ring after the commit, so that the drain sees what it is rung for.

    Cheap when the bell has been rung already: one indexed look.
    """
    lock = bell_of(project_id)
    if not _is_rung(lock):
        _defer(DRAIN_QUEUE, DRAIN_TASK, lock, project_id=str(project_id))


def bell_of(project_id: uuid.UUID) -> str:
    """The lock by which a bell that has been rung is known in the engine's jobs."""
    return f"{DRAIN_QUEUE}:{project_id}"


def _is_rung(lock: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_RUNG, [lock, Status.TODO.value])
        return cursor.fetchone() is not None


def _defer(queue: str, task: str, lock: str, *, at: datetime | None = None, **kwargs: str) -> None:
    job = Job(
        id=None, queue=queue, task_name=task, lock=lock, queueing_lock=lock, scheduled_at=at, task_kwargs=dict(kwargs)
    )
    try:
        # A savepoint: two rings at the same instant collide inside whatever transaction is open.
        with transaction.atomic():
            _doorbell.defer_job(job)
    except AlreadyEnqueued:
        logger.debug("%s has been rung for already", lock)


@app.task(name=DRAIN_TASK, queue=DRAIN_QUEUE)
def drain_project(project_id: str) -> None:
    """Drain one project; the engine's lock lets only one run at a time."""
    if drain(uuid.UUID(project_id), stop=stopping, linger_seconds=LINGER_SECONDS):
        ring(uuid.UUID(project_id))


@app.periodic(cron=EVERY_FIVE_SECONDS)
@app.task(name="integration.ring_due", queue=TEND_QUEUE, queueing_lock="ring_due")
def ring_due(timestamp: int = 0) -> None:
    """Ring for every project that has something due and may send: retries, resumed projects, lost bells."""
    now = timezone.now()
    for project in Project.objects.sending(now):
        if Delivery.objects.due(now).filter(project=project).exists():
            ring(project.pk)
    for project_id in Reconciliation.objects.left_alone(now):
        if not _is_rung(_comparison_of(project_id)):
            ring_reconcile(project_id)


@app.periodic(cron=EVERY_HOUR)
@app.task(name=PRUNE_TASK, queue=PRUNE_QUEUE, lock="prune", queueing_lock="prune")
def prune(timestamp: int = 0) -> None:
    """Delete what the projects need not keep any longer; after a slice of time another job goes on."""
    deadline = time.monotonic() + SLICE_SECONDS
    total = 0
    for _, count in pruning(timezone.now()):
        total += count
        if stopping.wait(PRUNE_PAUSE_SECONDS):
            break
        if time.monotonic() >= deadline:
            _defer(PRUNE_QUEUE, PRUNE_TASK, "prune")
            break
    total += prune_found(timezone.now())
    if total:
        logger.info("pruned %d events and discrepancies that were old enough", total)


def ring_reconcile(project_id: uuid.UUID, *, seconds: float = 0.0) -> None:
    """Have the project's comparison gone on with, soon or after so long; one at a time for each project."""
    at = timezone.now() + timedelta(seconds=seconds) if seconds else None
    _defer(RECONCILE_QUEUE, RECONCILE_TASK, _comparison_of(project_id), at=at, project_id=str(project_id))


def _comparison_of(project_id: uuid.UUID) -> str:
    return f"{RECONCILE_QUEUE}:{project_id}"


@app.task(name=RECONCILE_TASK, queue=RECONCILE_QUEUE)
def reconcile(project_id: str) -> None:
    """Compare the customers of one project with RevenueCat for a slice of time; another job goes on."""
    run = Reconciliation.objects.filter(project=uuid.UUID(project_id)).first()
    if run is None:
        return
    done = go_on(run, stop=stopping, now=timezone.now)
    if done.must_ring:
        ring(run.project_id)
    if done.more:
        ring_reconcile(run.project_id, seconds=done.wait_seconds)


@app.periodic(cron=EVERY_NIGHT)
@app.task(name="integration.reconcile_nightly", queue=RECONCILE_QUEUE, queueing_lock="reconcile_nightly")
def reconcile_nightly(timestamp: int = 0) -> None:
    """Begin the comparison of every project that wants one each night, or go on with one that had to stop."""
    for project in Project.objects.exclude(reconcile_nightly=Nightly.OFF).exclude(revenuecat_api_key=""):
        repair = project.reconcile_nightly == Nightly.REPAIR
        Reconciliation.begin(project, days=DAYS, repair=repair, now=timezone.now())
        ring_reconcile(project.pk)


@app.periodic(cron=EVERY_MORNING)
@app.task(name="integration.check_projects", queue=RECONCILE_QUEUE, queueing_lock="check_projects")
def check_projects(timestamp: int = 0) -> None:
    """Have every project that is not switched off looked at: whether it still fits RevenueCat and Intercom."""
    for project in Project.objects.filter(active=True):
        _defer(RECONCILE_QUEUE, CHECK_TASK, f"check:{project.pk}", project_id=str(project.pk))


@app.task(name=CHECK_TASK, queue=RECONCILE_QUEUE)
def check_project(project_id: str) -> None:
    """Look at one project, and write down what does not fit."""
    project = Project.objects.filter(pk=uuid.UUID(project_id)).first()
    if project is not None:
        look_at_project(project, timezone.now())


@app.periodic(cron=EVERY_FIFTEEN_SECONDS)
@app.task(name="integration.count_hours", queue=PRUNE_QUEUE, lock="count_hours", queueing_lock="count_hours")
def count_hours(timestamp: int = 0) -> None:
    """Count the hours that have changed, for the front page; what there is no time for is counted the next time."""
    deadline = time.monotonic() + COUNTING_SECONDS
    count_on(timezone.now(), go_on=lambda: time.monotonic() < deadline and not stopping.is_set())


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="integration.look_after_projects", queue=PRUNE_QUEUE, queueing_lock="look_after_projects")
def look_after_projects(timestamp: int = 0) -> None:
    """Find out which projects have gone silent, or get nothing through, for the banners of the admin."""
    look_after(timezone.now())


@app.periodic(cron=EVERY_HOUR)
@app.task(name="integration.clear_sessions", queue=PRUNE_QUEUE, queueing_lock="clear_sessions")
def clear_sessions(timestamp: int = 0) -> None:
    """Delete the sessions that have ended: Django leaves them lying, and their table would only grow."""
    SessionStore.clear_expired()


@app.periodic(cron=EVERY_FIVE_SECONDS)
@app.task(
    name="integration.rescue_stalled_jobs",
    queue=TEND_QUEUE,
    queueing_lock="rescue_stalled_jobs",
)
async def rescue_stalled_jobs(timestamp: int = 0) -> None:
    """Put the jobs of dead workers back; the engine does not do it by itself."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        logger.warning("job %s of a worker that died is put back", job.id)
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            # Somebody has rung since: that bell will do, and the dead job must not block it.
            await app.job_manager.finish_job(job, status=Status.ABORTED, delete_job=True)
    # A worker that lost its database just when a job ended could not write that down, and lives on. Its lock
    # would keep the project waiting for ever; whoever has something due is rung for anew.
    async for job_id in _overdue(timezone.now() - LONGEST_DRAIN):
        logger.warning("job %s has ended long since and is cleared away", job_id)
        await app.job_manager.finish_job_by_id_async(job_id, status=Status.ABORTED, delete_job=True)


def _overdue(before: datetime) -> AsyncIterator[int]:
    """The ids of jobs that are under way by the books and were last started before that time."""
    started = ProcrastinateEvent.objects.filter(type="started", job__status=Status.DOING.value)
    overdue = started.values("job_id").annotate(last=Max("at")).filter(last__lt=before)
    return aiter(overdue.values_list("job_id", flat=True))


def run_worker() -> None:
    """Work until SIGTERM or SIGINT, then finish what is in flight. Raises when the engine loses its database."""
    with app.replace_connector(DjangoConnector().get_worker_connector()):
        asyncio.run(_work())


async def _work() -> None:
    loop = asyncio.get_running_loop()
    # One thread for every project, and some for the tending.
    loop.set_default_executor(ThreadPoolExecutor(PROJECTS_AT_ONCE + 5, thread_name_prefix="drain"))
    async with app.open_async():
        # The tending has a worker of its own: it must run also when every project is busy. So have the pruning, with
        # the counting, the comparing and the bulk redelivering, which are in no hurry and must not keep the tending.
        workers = [
            asyncio.create_task(_worker(DRAIN_QUEUE, PROJECTS_AT_ONCE)),
            asyncio.create_task(_worker(TEND_QUEUE, 1)),
            asyncio.create_task(_worker(PRUNE_QUEUE, 1, polling_seconds=PRUNE_POLLING_SECONDS, listen=False)),
            asyncio.create_task(_worker(RECONCILE_QUEUE, 1, polling_seconds=RECONCILE_POLLING_SECONDS, listen=False)),
            asyncio.create_task(_worker(REDELIVER_QUEUE, 1, polling_seconds=RECONCILE_POLLING_SECONDS, listen=False)),
        ]

        def stop() -> None:
            stopping.set()
            for worker in workers:
                worker.cancel()

        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, stop)
        logger.info("worker ready: up to %d projects at once", PROJECTS_AT_ONCE)
        await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
        # A worker that ends unasked has lost its database: end the other one too, and let the supervisor start anew.
        unasked = not stopping.is_set()
        if unasked:
            # Not twice: the engine does not wait any longer for its jobs then, and nobody writes down that they ended.
            stop()
        results = await asyncio.gather(*workers, return_exceptions=True)
    if unasked:
        raise RuntimeError("The worker lost its database; it has to be started again.") from next(
            (result for result in results if isinstance(result, Exception)), None
        )


async def _worker(
    queue: str, concurrency: int, *, polling_seconds: float = POLLING_SECONDS, listen: bool = True
) -> None:
    await app.run_worker_async(
        queues=[queue],
        name=queue,
        concurrency=concurrency,
        install_signal_handlers=False,
        fetch_job_polling_interval=polling_seconds,
        listen_notify=listen,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        delete_jobs="always",
    )
