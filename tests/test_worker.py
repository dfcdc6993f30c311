"""
Real worker processes on the test's database: speed, SIGKILL, SIGTERM, two at once, and what the tending finds.

What would take a minute is not waited for: after a SIGKILL the rows are moved into the past by that time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from integration.bells import ring
from integration.drain.loop import LEASE_MARGIN_SECONDS, THREADS
from integration.intercom.client import ATTEMPT_SECONDS
from integration.models import Delivery, DeliveryAttempt, Project
from integration.tasks import HEARTBEAT_SECONDS, STALLED_SECONDS
from tests.factories import AUTHORIZATION, NEW_YEAR_MS, make_project, raw, receive, refreshed, webhook
from tests.fake_intercom import FakeIntercom, faults
from tests.processes import Child, child_env, outside_params

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]

# The tending comes round this often.
TEND_SECONDS = 5.0
WORK = "import django; django.setup(); from integration.worker import run_worker; run_worker()"


class Workers:
    """Starts worker processes for one test, and ends them with it."""

    def __init__(self, intercom: FakeIntercom, stack: ExitStack) -> None:
        self._env = child_env(INTERCOM_API_URL=intercom.url)
        self._stack = stack

    def start(self) -> Child:
        """A worker that is ready."""
        worker = self._stack.enter_context(Child(["-c", WORK], self._env))
        worker.wait_for("worker ready")
        return worker


@pytest.fixture
def workers(transactional_db: None, intercom: FakeIntercom) -> Iterator[Workers]:
    """Worker processes on an empty engine, whose tables are not Django's to empty."""
    truncate()
    with ExitStack() as stack:
        yield Workers(intercom, stack)
    truncate()


@pytest.fixture
def project(transactional_db: None) -> Project:
    """A project; the workers know where its Intercom is."""
    return make_project()


def truncate() -> None:
    """Empty the engine's tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers RESTART IDENTITY CASCADE"
        )


def post(project: Project, body: dict[str, Any]) -> None:
    """Post an event to the door."""
    answer = Client().generic(
        "POST",
        f"/webhooks/revenuecat/{project.pk}/",
        raw(body),
        "application/json",
        headers={"Authorization": AUTHORIZATION},
    )
    assert answer.status_code == 200


def wait_until(found: Callable[[], bool], timeout: float = 20) -> None:
    """Ask the database until something is so."""
    deadline = time.monotonic() + timeout
    while not found():
        assert time.monotonic() < deadline, "it did not come about in time"
        threading.Event().wait(0.02)


def all_delivered() -> bool:
    """Whether nothing is owed."""
    return not Delivery.objects.exclude(status="delivered").exists()


def move_into_the_past(seconds: float) -> None:
    """What was written now was written so many seconds ago: heartbeats, leases and the customers' turns."""
    with connection.cursor() as cursor:
        for table, column in (
            ("procrastinate_workers", "last_heartbeat"),
            ("integration_delivery", "due_at"),
            ("integration_customer", "busy_until"),
        ):
            cursor.execute(f"UPDATE {table} SET {column} = {column} - %s * interval '1 second'", [seconds])


def test_a_posted_event_is_delivered_within_a_second(
    workers: Workers, project: Project, intercom: FakeIntercom
) -> None:
    workers.start()
    post(project, webhook(app_user_id="to warm up"))
    intercom.wait_for_calls(1, "/events", timeout=10)
    # At once, after a pause, and while the drain before is just about to end: the worst of them counts.
    for number, pause in enumerate((0.0, 0.3, 0.01, 0.02, 0.03, 0.05), 2):
        threading.Event().wait(pause)
        began = time.monotonic()
        post(project, webhook(app_user_id=f"user-{number}"))
        intercom.wait_for_calls(number, "/events", timeout=10)
        assert time.monotonic() - began < 1.0, f"after a pause of {pause} s"
    wait_until(all_delivered, 2)


def test_a_worker_killed_in_the_middle_of_a_drain_loses_nothing(
    workers: Workers, project: Project, intercom: FakeIntercom
) -> None:
    for number in range(30):
        receive(project, app_user_id=f"user-{number % 20}", event_timestamp_ms=NEW_YEAR_MS + number * 1000)
    gate = threading.Event()
    intercom.inject(faults.hold(gate, acts_first=True), times=5, path="/events")
    doomed = workers.start()
    ring(project.pk)
    intercom.wait_for_calls(5, "/events", timeout=20)
    # A bell that is rung meanwhile must not keep the dead worker's job from being cleared away.
    post(project, webhook(app_user_id="posted meanwhile"))
    doomed.kill()
    held = {call.body for call in intercom.calls("POST", "/events") if call.status is None}
    assert len(held) == 5
    gate.set()
    assert HEARTBEAT_SECONDS < STALLED_SECONDS
    assert STALLED_SECONDS + TEND_SECONDS < 60
    assert ATTEMPT_SECONDS + LEASE_MARGIN_SECONDS + TEND_SECONDS < 60
    move_into_the_past(60 - 2 * TEND_SECONDS)
    workers.start()
    wait_until(all_delivered, 2 * TEND_SECONDS)
    assert Delivery.objects.count() == 31
    assert len(intercom.events) == 31
    assert held <= {call.body for call in intercom.repeats}, "what was in flight is sent again"
    bodies = {call.body for call in intercom.calls("POST", "/events")}
    assert len(bodies) == 31, "the same event always gives the same bytes"
    assert DeliveryAttempt.objects.filter(outcome="interrupted").count() >= 5
    assert not DeliveryAttempt.objects.filter(finished_at=None).exists()


def test_sigterm_ends_the_worker_when_what_is_in_flight_has_ended(
    workers: Workers, project: Project, intercom: FakeIntercom
) -> None:
    for number in range(THREADS + 14):
        receive(project, app_user_id=f"user-{number}")
    gate = threading.Event()
    intercom.inject(faults.hold(gate), times=None, path="/contacts/*")
    worker = workers.start()
    ring(project.pk)
    intercom.wait_for_calls(THREADS, timeout=20)
    worker.process.terminate()
    worker.process.poll()
    gate.set()
    intercom.clear_faults()
    assert worker.process.wait(10) == 0
    assert "Traceback" not in worker.said
    with connection.cursor() as cursor:
        # Its job is not left for the tending to find, for which the project would wait.
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND queue_name = 'drain'")
        assert cursor.fetchone() == (0,)
    counts = {status: Delivery.objects.filter(status=status).count() for status in ("delivered", "pending")}
    assert counts == {"delivered": THREADS, "pending": 14}
    assert not DeliveryAttempt.objects.filter(finished_at=None).exists()
    assert Delivery.objects.filter(status="pending", tries=0).count() == 14


def test_an_idle_worker_ends_at_once_on_sigterm(workers: Workers, project: Project) -> None:
    worker = workers.start()
    began = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - began < 3
    assert "Traceback" not in worker.said


def test_two_workers_on_one_project_send_every_event_once(
    workers: Workers, project: Project, intercom: FakeIntercom
) -> None:
    intercom.latency = 0.005
    workers.start()
    workers.start()
    others = [make_project() for _ in range(3)]
    for number in range(60):
        post([project, *others][number % 4], webhook(app_user_id=f"user-{number % 12}", product_id=str(number)))
    wait_until(all_delivered)
    assert len(intercom.events) == 60
    assert not intercom.repeats
    assert set(Delivery.objects.values_list("tries", flat=True)) == {1}


def test_a_lost_bell_and_a_due_retry_are_found_by_the_tending(
    workers: Workers, project: Project, intercom: FakeIntercom
) -> None:
    lost = receive(project)
    intercom.inject(faults.error(503))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    workers.start()
    # Until the try has ended, and not only begun: what is being sent has a lease, and nobody else may move it.
    wait_until(lambda: "503" in refreshed(lost).explanation, 2 * TEND_SECONDS)
    assert (refreshed(lost).status, refreshed(lost).tries) == ("pending", 1)
    move_into_the_past(5 * 1.2)
    wait_until(all_delivered, 2 * TEND_SECONDS)
    assert refreshed(lost).tries == 2


def test_a_worker_whose_connections_are_cut_ends_or_goes_on_but_does_not_hang(
    workers: Workers, project: Project, intercom: FakeIntercom
) -> None:
    worker = workers.start()
    post(project, webhook())
    wait_until(all_delivered)
    # From a database that nobody else is in.
    with psycopg.connect(**outside_params() | {"dbname": "postgres"}) as elsewhere:
        elsewhere.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            " AND pid NOT IN (pg_backend_pid(), %s)",
            [connection.settings_dict["NAME"], own_pid()],
        )
    post(project, webhook(app_user_id="afterwards"))
    # The engine may have been writing down the end of a job just then; the tending finds that after a while.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '2 minutes' WHERE type = 'started'")
    wait_until(lambda: all_delivered() or worker.process.poll() is not None)
    if worker.process.poll() is not None:
        assert "lost its database" in worker.said
        workers.start()
    wait_until(all_delivered)


def own_pid() -> int:
    """The server process of the test's own connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)
