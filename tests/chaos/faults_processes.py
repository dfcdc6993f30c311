"""
Faults of the app's own processes: killed web servers, killed and frozen workers, a database that stops.

Each function lets its fault happen while the plan is being posted, and returns when all is well again.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import partial

from django.utils import timezone

from tests.chaos.evidence import Freeze
from tests.chaos.stage import Stage

MOST_WEB_KILLS = 10
WORKER_KILLS = 10
BUSY_SECONDS = 3.0
# What a drain that was killed needs to be taken up again: 20 seconds, the tending, and some more.
TAKEN_UP_SECONDS = 60.0
ROUNDS_BEFORE_COMMIT = 2
EVENTS_BETWEEN = 50
ANSWERED_SECONDS = 1.5
# Longer than a lease, so that the frozen worker's deliveries are sent by the other one before it wakes up.
FROZEN_SECONDS = 50.0
DATABASE_STOPS = (signal.SIGQUIT, signal.SIGKILL, signal.SIGQUIT)


def web_killed(stage: Stage) -> None:
    """SIGKILL to the web server at random moments, while posts wait for their answers."""
    stage.post_everything()
    for _ in range(MOST_WEB_KILLS):
        stage.pause(stage.chance.uniform(0.5, 2.5))
        if not stage.until(lambda: stage.poster.busy > 1 or stage.poster.is_done, BUSY_SECONDS):
            continue
        if stage.poster.is_done:
            return
        stage.servers.kill_web(stage.chance)
        stage.servers.wait_for_web()


def worker_killed(stage: Stage) -> None:
    """SIGKILL to one of the workers at random moments, while calls to Intercom are in flight."""
    stage.post_everything()
    for _ in range(WORKER_KILLS):
        stage.pause(stage.chance.uniform(0.5, 4.0))
        stage.until(lambda: stage.servers.intercom.counters()["in flight"] > 1, BUSY_SECONDS)
        stage.servers.kill_worker(stage.chance.choice(stage.servers.workers))


def worker_killed_before_commit(stage: Stage) -> None:
    """SIGKILL to the worker after Intercom has answered and before what it said is committed."""
    stage.post_everything()
    (worker,) = stage.servers.workers
    for _ in range(ROUNDS_BEFORE_COMMIT):
        stage.until(partial(_has_told_more, stage, _told(stage) + EVENTS_BETWEEN), TAKEN_UP_SECONDS)
        stage.until(lambda: stage.book.under_way() > 4, BUSY_SECONDS)
        with stage.book.holding_up_commits() as held_up:
            # Every answer comes, and none of it can be written down.
            stage.pause(ANSWERED_SECONDS)
            stage.notes["tries killed between answer and commit"] += held_up
            worker.kill()
        stage.servers.kill_worker(worker)


def _told(stage: Stage) -> int:
    return stage.servers.intercom.counters()["POST /events"]


def _has_told_more(stage: Stage, count: int) -> bool:
    return _told(stage) > count


def two_workers(stage: Stage) -> None:
    """Two workers on one project; one of them is frozen in the middle of its drain and wakes up too late."""
    stage.post_everything()
    stage.pause(4.0)
    began = timezone.now()
    for worker in stage.servers.workers:
        stage.until(lambda: stage.book.under_way() > 8, BUSY_SECONDS)
        began = timezone.now()
        worker.send(signal.SIGSTOP)
        if _stands_still(stage):
            break
        # It was not the one that drains.
        worker.send(signal.SIGCONT)
    stage.notes["tries under way when their worker froze"] += stage.book.under_way()
    stage.pause(FROZEN_SECONDS)
    for worker in stage.servers.workers:
        worker.send(signal.SIGCONT)
    stage.freezes.append(Freeze(began, timezone.now()))


def _stands_still(stage: Stage) -> bool:
    stage.pause(1.0)
    before = stage.servers.intercom.counters()["calls"]
    stage.pause(1.0)
    return stage.servers.intercom.counters()["calls"] == before


def postgres_stopped(stage: Stage) -> None:
    """PostgreSQL stopped at once (immediate shutdown, SIGKILL) under load; it is started by whoever needs it."""
    stage.post_everything()
    for number in DATABASE_STOPS:
        stage.pause(stage.chance.uniform(2.0, 5.0))
        postmaster = stage.book.postmaster()
        if postmaster is None:
            continue
        with suppress(ProcessLookupError):
            os.kill(postmaster, number)
            stage.notes["database stops"] += 1
        stage.until(partial(_is_another, stage, postmaster), TAKEN_UP_SECONDS)


def _is_another(stage: Stage, gone: int) -> bool:
    return stage.book.postmaster() not in (None, gone)


def nothing(stage: Stage) -> None:
    """No fault but the order in which events come."""
    stage.post_everything()
