"""The engine's task that redelivers all that a filter finds, a batch at a time, and tends what was left behind.

It keeps the queue short: webhooks that come in meanwhile wait behind a few seconds of redeliveries, not behind all of
them, and what is cancelled is mostly not owed yet. Nothing is decided here that the rows do not say.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from django.utils import timezone
from procrastinate.contrib.django import app

from integration.bells import REDELIVER_QUEUE, defer, ring
from integration.models import BulkRedelivery
from integration.models.redelivery import BATCH, LEASE
from integration.tasks import stopping

logger = logging.getLogger(__name__)

REDELIVER_TASK = "integration.redeliver_many"
EVERY_MINUTE = "* * * * *"
# Then it steps aside, so that another one comes to its turn.
SLICE_SECONDS = 30.0
# Between two batches the disk belongs to the others.
PAUSE_SECONDS = 0.05
# While more than this is due in a project, no more of it is made due: some seconds of sending.
MOST_DUE = 2_000
FULL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Slice:
    """What became of a slice: whether there is more to do, and after how many seconds."""

    more: bool
    wait_seconds: float = 0.0


def ring_redelivery(run_id: int, *, seconds: float = 0.0) -> None:
    """Have it gone on with, soon or after so long. Ring after the commit."""
    at = timezone.now() + timedelta(seconds=seconds) if seconds else None
    defer(REDELIVER_QUEUE, REDELIVER_TASK, f"{REDELIVER_QUEUE}:{run_id}", at=at, run_id=run_id)


@app.task(name=REDELIVER_TASK, queue=REDELIVER_QUEUE)
def redeliver_many(run_id: int) -> None:
    """Redeliver for a slice of time; another job goes on."""
    run = BulkRedelivery.objects.filter(pk=run_id).first()
    if run is None:
        return
    done = go_on(run, stop=stopping)
    if done.more:
        ring_redelivery(run.pk, seconds=done.wait_seconds)


@app.periodic(cron=EVERY_MINUTE)
@app.task(name="integration.ring_redeliveries", queue=REDELIVER_QUEUE, queueing_lock="ring_redeliveries")
def ring_redeliveries(timestamp: int = 0) -> None:
    """Ring for what is not at its end: a bell was lost, or a worker was killed."""
    for run in BulkRedelivery.objects.unfinished():
        ring_redelivery(run.pk)


def go_on(run: BulkRedelivery, *, stop: Event, seconds: float = SLICE_SECONDS, limit: int = BATCH) -> Slice:
    """Redeliver until nothing is left, or for `seconds`, or until `stop`; nothing while another process is at it."""
    if not run.take(timezone.now()):
        # Over, or somebody else is at it, or was killed at it not long ago.
        return Slice(more=not run.is_over, wait_seconds=LEASE.total_seconds())
    deadline = time.monotonic() + seconds
    while not stop.is_set() and time.monotonic() < deadline:
        if run.backlog(timezone.now(), MOST_DUE + 1) > MOST_DUE:
            run.leave()
            return Slice(more=True, wait_seconds=FULL_SECONDS)
        batch = run.redeliver_batch(timezone.now(), limit)
        if batch is None:
            return Slice(more=False)
        for project in batch.projects:
            ring(project)
        if not batch.more:
            run.finish(timezone.now())
            logger.info("bulk redelivery %s is at its end: %d deliveries", run.pk, run.redelivered)
            return Slice(more=False)
        stop.wait(PAUSE_SECONDS)
    run.leave()
    return Slice(more=True)
