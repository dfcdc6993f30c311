"""
The doorbells of the engine, without a worker process: ringing, ringing for what is due, and rescuing dead jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from integration.bells import ring
from integration.models import Delivery, Project
from integration.tasks import rescue_stalled_jobs, ring_due
from tests.factories import make_project, receive


def bells(project: Project) -> list[str]:
    """The states of the project's jobs."""
    jobs = ProcrastinateJob.objects.filter(queueing_lock=f"drain:{project.pk}")
    return sorted(jobs.values_list("status", flat=True))


@pytest.fixture
def no_bells(transactional_db: None) -> None:
    """The engine's tables are not Django's to empty."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers RESTART IDENTITY CASCADE")


@pytest.mark.django_db
def test_ringing_twice_leaves_one_bell() -> None:
    project = make_project()
    ring(project.pk)
    ring(project.pk)
    assert bells(project) == ["todo"]


@pytest.mark.django_db
def test_a_bell_can_be_rung_inside_a_transaction_and_goes_with_it() -> None:
    project = make_project()
    with transaction.atomic():
        ring(project.pk)
        ring(project.pk)
        transaction.set_rollback(True)
    assert bells(project) == []
    with transaction.atomic():
        ring(project.pk)
    assert bells(project) == ["todo"]


@pytest.mark.usefixtures("no_bells")
def test_many_rings_at_the_same_instant_leave_one_bell_and_no_error() -> None:
    project = make_project()
    barrier = threading.Barrier(8)
    errors: list[Exception] = []

    def press() -> None:
        try:
            barrier.wait(5)
            with transaction.atomic():
                ring(project.pk)
                # The transaction must be of use still after a ring that came too late.
                Project.objects.get(pk=project.pk)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            errors.append(error)
        finally:
            connection.close()

    in_threads(press, 8)
    assert not errors
    assert bells(project) == ["todo"]


@pytest.mark.django_db
def test_a_drain_under_way_does_not_swallow_the_next_ring() -> None:
    project = make_project()
    ring(project.pk)

    start_jobs()
    ring(project.pk)
    assert bells(project) == ["doing", "todo"]


@pytest.mark.django_db
def test_what_has_come_due_is_rung_for() -> None:
    due, later, held, inactive, waited_out = (make_project() for _ in range(5))
    now = timezone.now()
    for project in (due, later, held, inactive, waited_out):
        receive(project)
    Delivery.objects.filter(project=later).update(due_at=now + timedelta(minutes=1))
    held.hold("no", now, until=None)
    inactive.active = False
    inactive.save()
    waited_out.hold("a moment", now - timedelta(minutes=1), until=now - timedelta(seconds=1))

    ring_due(0)
    assert bells(due) == bells(waited_out) == ["todo"]
    assert bells(later) == bells(held) == bells(inactive) == []


@pytest.mark.django_db
def test_the_job_of_a_dead_worker_is_put_back() -> None:
    project = make_project()
    ring(project.pk)
    start_jobs(heartbeat_ago=60)
    rescue()
    assert bells(project) == ["todo"]


@pytest.mark.usefixtures("no_bells")
def test_the_job_of_a_dead_worker_gives_way_to_a_bell_that_was_rung_since() -> None:
    project, other = make_project(), make_project()
    ring(project.pk)
    ring(other.pk)
    start_jobs(heartbeat_ago=60)
    ring(project.pk)
    assert bells(project) == ["doing", "todo"]
    rescue()
    assert bells(project) == ["todo"]
    assert bells(other) == ["todo"]


@pytest.mark.django_db
def test_the_job_of_a_living_worker_is_left_alone() -> None:
    project = make_project()
    ring(project.pk)
    start_jobs(heartbeat_ago=1)
    rescue()
    assert bells(project) == ["doing"]


@pytest.mark.usefixtures("no_bells")
def test_a_job_whose_end_a_living_worker_could_not_write_down_is_cleared_away() -> None:
    forgotten, running = make_project(), make_project()
    ring(forgotten.pk)
    start_jobs()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '2 minutes'")
    ring(running.pk)
    start_jobs()
    ring(forgotten.pk)
    receive(forgotten)
    rescue()
    assert bells(forgotten) == ["todo"]
    assert bells(running) == ["doing"]


def start_jobs(*, heartbeat_ago: float = 0) -> None:
    """A worker, last heard of so many seconds ago, takes every job there is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s * interval '1 second') RETURNING id",
            [heartbeat_ago],
        )
        (worker_id,) = cursor.fetchone()
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE status = 'todo'", [worker_id]
        )


def in_threads(work: Callable[[], None], count: int) -> None:
    """Run `work` in so many threads at once, to their ends."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def rescue() -> None:
    """Run the rescue once."""
    async_to_sync(rescue_stalled_jobs.func)(0)
