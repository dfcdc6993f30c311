"""The doorbells: jobs that say only "look at this project". Rung after the commit; losing one costs seconds.

What a bell wakes is in `tasks`; nothing is decided here.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

logger = logging.getLogger(__name__)

DRAIN_QUEUE = "drain"
TEND_QUEUE = "tend"
PRUNE_QUEUE = "prune"
RECONCILE_QUEUE = "reconcile"
REDELIVER_QUEUE = "redeliver"
DRAIN_TASK = "integration.drain"
PRUNE_TASK = "integration.prune"
RECONCILE_TASK = "integration.reconcile"
CHECK_TASK = "integration.check_project"

_RUNG = "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = %s LIMIT 1"

# On Django's own connection, in the worker too, where the app itself speaks through an asynchronous pool.
_doorbell = JobManager(DjangoConnector())


def ring(project_id: uuid.UUID) -> None:
    """Have the project drained soon. Ring after the commit, so that the drain sees what it is rung for.

    Cheap when the bell has been rung already: one indexed look.
    """
    lock = bell_of(project_id)
    if not is_rung(lock):
        defer(DRAIN_QUEUE, DRAIN_TASK, lock, project_id=str(project_id))


def bell_of(project_id: uuid.UUID) -> str:
    """The lock by which a bell that has been rung is known in the engine's jobs."""
    return f"{DRAIN_QUEUE}:{project_id}"


def is_rung(lock: str) -> bool:
    """Whether a job with this lock waits to be begun."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNG, [lock, Status.TODO.value])
        return cursor.fetchone() is not None


def defer(queue: str, task: str, lock: str, *, at: datetime | None = None, **kwargs: str | int) -> None:
    """Have the task run soon, or then; once, however often it is asked for before it begins."""
    job = Job(
        id=None, queue=queue, task_name=task, lock=lock, queueing_lock=lock, scheduled_at=at, task_kwargs=dict(kwargs)
    )
    try:
        # A savepoint: two rings at the same instant collide inside whatever transaction is open.
        with transaction.atomic():
            _doorbell.defer_job(job)
    except AlreadyEnqueued:
        logger.debug("%s has been rung for already", lock)


def ring_reconcile(project_id: uuid.UUID, *, seconds: float = 0.0) -> None:
    """Have the project's comparison gone on with, soon or after so long; one at a time for each project."""
    at = timezone.now() + timedelta(seconds=seconds) if seconds else None
    defer(RECONCILE_QUEUE, RECONCILE_TASK, comparison_of(project_id), at=at, project_id=str(project_id))


def comparison_of(project_id: uuid.UUID) -> str:
    """The lock of a project's comparison."""
    return f"{RECONCILE_QUEUE}:{project_id}"
