"""
What a project need not keep any longer goes, in small batches that nobody waits for; everything else stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from integration import tasks
from integration.models import Customer, Delivery, DeliveryAttempt, Project, WebhookEvent
from integration.models.retention import BATCH, Expired, expired, pruning
from integration.retry import DeliveryStatus
from tests.factories import AUTHORIZATION, make_project, raw, receive, webhook

NOW = timezone.now()


@pytest.fixture
def project(db: None) -> Project:
    """A project with the settings that every new one has."""
    return make_project("Larkfield")


def settled(project: Project, status: str = "delivered", *, days: float = 31, **fields: Any) -> Delivery:
    """A delivery that was settled so many days ago, with an attempt."""
    delivery = receive(project, **fields)
    customer, _ = Customer.objects.get_or_create(project=project, app_user_id=delivery.app_user_id)
    at = NOW - timedelta(days=days)
    Delivery.objects.filter(pk=delivery.pk).update(
        status=status, due_at=None, finished_at=at, created_at=at, customer=customer, tries=1
    )
    WebhookEvent.objects.filter(pk=delivery.webhook_event_id).update(received_at=at)
    DeliveryAttempt.objects.create(delivery=delivery, started_at=at, finished_at=at, outcome="delivered")
    return delivery


def prune_all(limit: int = BATCH) -> list[int]:
    """Prune everything; how many deliveries each batch took."""
    return [count for _, count in pruning(NOW, limit)]


def count_all() -> tuple[int, int, int]:
    """Events, deliveries, attempts."""
    return WebhookEvent.objects.count(), Delivery.objects.count(), DeliveryAttempt.objects.count()


# --- What goes, and what stays ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "days", "stays"),
    [
        ("delivered", 29.9, True),
        ("delivered", 30.1, False),
        ("skipped", 29.9, True),
        ("skipped", 30.1, False),
        ("failed", 30.1, True),
        ("failed", 89.9, True),
        ("failed", 90.1, False),
    ],
)
def test_successes_go_after_30_days_and_failures_after_90(
    project: Project, status: str, days: float, stays: bool
) -> None:
    settled(project, status, days=days)
    prune_all()
    assert count_all() == ((1, 1, 1) if stays else (0, 0, 0))


def test_what_is_pending_is_never_pruned(project: Project) -> None:
    delivery = settled(project, "pending", days=1000)
    Delivery.objects.filter(pk=delivery.pk).update(due_at=NOW, finished_at=None)
    assert prune_all() == []
    assert count_all() == (1, 1, 1)


def test_what_is_redelivered_begins_anew(project: Project) -> None:
    delivery = settled(project, "failed", days=100)
    Delivery.objects.filter(pk=delivery.pk).requeue(NOW)
    assert prune_all() == []
    Delivery.objects.filter(pk=delivery.pk).update(status="delivered", due_at=None, finished_at=NOW)
    assert prune_all() == []


def test_each_project_keeps_as_long_as_it_says_and_0_is_for_ever(project: Project) -> None:
    for_ever = make_project("For ever", keep_successes_days=0, keep_failures_days=0)
    a_day = make_project("A day", keep_successes_days=1, keep_failures_days=2)
    for one in (project, for_ever, a_day):
        settled(one, days=1.5)
        settled(one, "failed", days=1000)
    prune_all()
    left = Delivery.objects.order_by("project__name", "status").values_list("project__name", "status")
    assert list(left) == [("For ever", "delivered"), ("For ever", "failed"), ("Larkfield", "delivered")]


def test_an_event_stays_while_another_delivery_of_it_does(project: Project) -> None:
    delivery = settled(project)
    other = Delivery.objects.create(
        project=project, webhook_event=delivery.webhook_event, app_user_id="other", due_at=NOW, created_at=NOW
    )
    prune_all()
    assert list(Delivery.objects.all()) == [other] and WebhookEvent.objects.count() == 1


def test_customers_stay_so_that_an_old_event_still_cannot_overwrite_what_is_newer(project: Project) -> None:
    settled(project)
    Customer.objects.update(state={"latest_store": {"value": "stripe", "at_ms": 1, "event_id": "1"}})
    prune_all()
    assert Customer.objects.get().known_state().attributes() == {"latest_store": "stripe"}


def test_a_day_is_the_least_so_that_every_retry_of_revenuecat_is_known_as_a_repeat(project: Project) -> None:
    # RevenueCat sends again for 155 minutes: after 5, 10, 20, 40 and 80.
    project.keep_successes_days = 1
    project.save()
    settled(project, days=155 / 60 / 24)
    assert prune_all() == []
    for days in (-1, 3651):
        project.keep_failures_days = days
        with pytest.raises(ValidationError):
            project.full_clean()


def test_the_audit_trail_keeps_who_redelivered_but_not_whose_event_it_was(
    project: Project, admin_client: Client
) -> None:
    delivery = settled(project, app_user_id="user-in-the-trail")
    chosen = {"action": "redeliver_selected", "_selected_action": [str(delivery.pk)]}
    admin_client.post("/admin/integration/delivery/", chosen)
    entry = LogEntry.objects.get()
    assert (entry.object_repr, entry.get_change_message()) == (f"delivery {delivery.pk}", "Redelivered.")


# --- In small batches ---------------------------------------------------------------------------------------


def test_no_batch_is_larger_than_its_limit_and_the_oldest_go_first(project: Project) -> None:
    for days in (34, 33, 32, 31, 35):
        settled(project, days=days)
    batches = pruning(NOW, 2)
    assert next(batches)[1] == 2
    # Whoever stops here goes on the next time where this ended.
    batches.close()  # type: ignore[attr-defined]
    left = Delivery.objects.order_by("finished_at").values_list("finished_at", flat=True)
    assert list(left) == [NOW - timedelta(days=days) for days in (33, 32, 31)]
    assert prune_all(2) == [2, 1]
    assert count_all() == (0, 0, 0)


def test_a_batch_is_one_statement(project: Project, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        settled(project)
    with django_assert_num_queries(1):
        assert Expired(project, DeliveryStatus.DELIVERED, NOW).prune(3) == 3


def test_what_is_old_enough_is_found_by_its_index(project: Project) -> None:
    with connection.cursor() as cursor:
        # A table of two rows is read whole, or sorted, whatever indexes it has.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM integration_delivery WHERE project_id = %s AND status = 'delivered'"
            " AND finished_at < %s ORDER BY finished_at LIMIT 500",
            [project.pk, NOW],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Scan using delivery_settled" in plan and "Sort" not in plan


# --- Beside everything else ---------------------------------------------------------------------------------


@contextmanager
def elsewhere(work: Callable[[], object]) -> Iterator[None]:
    """Have `work` done in a transaction of another connection that stays open to the end of the block."""
    done, end = threading.Event(), threading.Event()
    failed: list[Exception] = []

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                done.set()
                end.wait(20)
        except (AssertionError, DatabaseError) as error:
            failed.append(error)
        finally:
            done.set()
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert done.wait(20)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
        end.set()
        thread.join(20)
        close_old_connections()
    assert not failed, failed


def post(project: Project, body: dict[str, Any]) -> Any:
    """Post to the door."""
    url = f"/webhooks/revenuecat/{project.pk}/"
    return Client().generic("POST", url, raw(body), "application/json", headers={"Authorization": AUTHORIZATION})


@pytest.mark.django_db(transaction=True)
def test_the_door_takes_webhooks_and_the_log_can_be_read_while_a_batch_is_being_pruned() -> None:
    project = make_project()
    for _ in range(20):
        settled(project)
    kept = webhook()
    assert post(project, kept).status_code == 200
    with elsewhere(expired(project, NOW)[0].prune):
        # Of the same customer as all the others; new and repeated.
        assert post(project, webhook()).json() == {"status": "accepted"}
        assert post(project, kept).json() == {"status": "duplicate"}
        assert Delivery.objects.filter(status="delivered").count() == 20
    assert Delivery.objects.filter(status="delivered").count() == 0
    assert Delivery.objects.filter(status="pending").count() == 2


@pytest.mark.django_db(transaction=True)
def test_pruning_waits_for_nobody_and_leaves_what_somebody_is_at_for_the_next_time() -> None:
    project = make_project()
    deliveries = [settled(project) for _ in range(3)]

    def redeliver() -> None:
        Delivery.objects.filter(pk=deliveries[0].pk).requeue(timezone.now())

    with elsewhere(redeliver):
        assert prune_all() == [2]
    assert Delivery.objects.get().status == "pending"


# --- By the worker and by hand ------------------------------------------------------------------------------


def test_the_worker_prunes_every_hour(project: Project) -> None:
    settled(project)
    tasks.prune(timestamp=0)
    assert count_all() == (0, 0, 0)
    periodic = {(task.task.name, task.cron) for task in app.periodic_registry.periodic_tasks.values()}
    assert ("integration.prune", "17 * * * *") in periodic


def test_after_a_slice_of_time_another_job_goes_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0)
    monkeypatch.setattr(tasks, "PRUNE_PAUSE_SECONDS", 0)
    settled(project)
    for _ in range(2):
        tasks.prune()
    assert count_all() == (0, 0, 0)
    (job,) = ProcrastinateJob.objects.filter(task_name="integration.prune")
    assert (job.lock, job.queueing_lock, job.queue_name) == ("prune", "prune", "prune")


def said(*arguments: str) -> str:
    """What the command says."""
    out = StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_would_delete_and_then_what_it_deleted(project: Project) -> None:
    assert said() == said("--dry-run") == "Nothing is old enough to be pruned.\n"
    for status in ("delivered", "delivered", "skipped", "failed"):
        settled(project, status, days=100)
    settled(project, days=1)
    assert said("--dry-run") == "Would delete of “Larkfield”: 2 delivered, 1 skipped, 1 failed.\n"
    assert count_all() == (5, 5, 5)
    assert said() == "Deleted of “Larkfield”: 2 delivered, 1 skipped, 1 failed.\n"
    assert count_all() == (1, 1, 1)


def test_nothing_is_pruned_before_its_time_however_the_clock_is_read(project: Project) -> None:
    limits: set[datetime] = {group.before for group in expired(project, NOW)}
    assert limits == {NOW - timedelta(days=30), NOW - timedelta(days=90)}
