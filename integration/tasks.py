"""The engine's tasks: what a doorbell wakes, and the tending that finds what a lost bell left behind.

A job says only "look at this project"; what is owed stands in the deliveries. Losing a job costs seconds,
never a delivery. Nothing is decided here.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Max
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateEvent
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from integration.bells import (
    CHECK_TASK,
    DRAIN_QUEUE,
    DRAIN_TASK,
    PRUNE_QUEUE,
    PRUNE_TASK,
    RECONCILE_QUEUE,
    RECONCILE_TASK,
    TEND_QUEUE,
    comparison_of,
    defer,
    is_rung,
    ring,
    ring_reconcile,
)  # fmt: skip
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

EVERY_NIGHT = "41 2 * * *"
EVERY_MORNING = "23 5 * * *"
EVERY_HOUR = "17 * * * *"
# croniter reads a sixth field as seconds.
EVERY_FIVE_SECONDS = "* * * * * */5"
EVERY_FIFTEEN_SECONDS = "* * * * * */15"
EVERY_MINUTE = "* * * * *"
# Between two batches the disk belongs to the others.
PRUNE_PAUSE_SECONDS = 0.05
# So much of every fifteen seconds is for counting what the front page shows: the first time it has a month before it.
COUNTING_SECONDS = 3.0
# A worker that has not been heard of for this long is taken for dead, and its drains go to another one.
# With the tending every five seconds a killed worker's project is drained again well within a minute.
HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 20.0
# A drain that still stands in the books after this long has ended: a slice, a wait for a rate limit, an attempt.
LONGEST_DRAIN = timedelta(seconds=SLICE_SECONDS + ATTEMPT_SECONDS + LEASE_MARGIN_SECONDS) + LONGEST_WAIT


# Set when this process is asked to stop: drains finish what is in flight and claim nothing more.
stopping = threading.Event()


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
        if not is_rung(comparison_of(project_id)):
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
            defer(PRUNE_QUEUE, PRUNE_TASK, "prune")
            break
    total += prune_found(timezone.now())
    if total:
        logger.info("pruned %d events and discrepancies that were old enough", total)


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
        defer(RECONCILE_QUEUE, CHECK_TASK, f"check:{project.pk}", project_id=str(project.pk))


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
