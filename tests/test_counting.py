"""
The worker counts for the front page, and looks after the projects, beside everything else that it does.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from procrastinate.contrib.django import app

from integration import tasks
from integration.bells import PRUNE_QUEUE
from integration.models import CountedHour, HourlyCount, ProjectStanding
from tests.factories import make_project
from tests.models.aged import aged


def test_the_worker_counts_every_fifteen_seconds_and_looks_after_the_projects_every_minute(db: None) -> None:
    project = make_project()
    aged(project, timezone.now() - timedelta(hours=4))
    tasks.count_hours(timestamp=0)
    tasks.look_after_projects(timestamp=0)
    assert HourlyCount.objects.get().count == 1 and CountedHour.objects.exists()
    assert ProjectStanding.objects.get().project == project
    periodic = {(task.task.name, task.task.queue, task.cron) for task in app.periodic_registry.periodic_tasks.values()}
    assert ("integration.count_hours", PRUNE_QUEUE, "* * * * * */15") in periodic
    assert ("integration.look_after_projects", PRUNE_QUEUE, "* * * * *") in periodic


def test_counting_stops_when_the_worker_does_and_goes_on_with_the_next_one(db: None) -> None:
    aged(make_project(), timezone.now() - timedelta(hours=10))
    tasks.stopping.set()
    try:
        tasks.count_hours(timestamp=0)
    finally:
        tasks.stopping.clear()
    assert CountedHour.objects.count() == 1
    tasks.count_hours(timestamp=0)
    assert CountedHour.objects.count() > 7
