"""
A claim reads the queue in the order of its index, also where PostgreSQL knows nothing of the rows yet.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.utils import timezone

from integration.models import Delivery, Project, WebhookEvent
from integration.models.planner import in_index_order
from tests.factories import make_project

BACKLOG = 3_000
NOW = timezone.now()


def analyze() -> None:
    """Have PostgreSQL count."""
    with connection.cursor() as cursor:
        for model in (Delivery, WebhookEvent):
            cursor.execute(f'ANALYZE "{model._meta.db_table}"')


def fill(project: Project, count: int = BACKLOG) -> None:
    """A backlog, all due, of many customers."""
    events = WebhookEvent.objects.bulk_create(
        WebhookEvent(project=project, event_id=f"event {number}", type="RENEWAL", payload={}, received_at=NOW)
        for number in range(count)
    )
    Delivery.objects.bulk_create(
        Delivery(project=project, webhook_event=event, app_user_id=f"user-{n % 400}", due_at=NOW, created_at=NOW)
        for n, event in enumerate(events)
    )


def setting() -> str:
    """What PostgreSQL's setting is at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_sort")
        return str(cursor.fetchone()[0])


def plans_of_claim(project: Project) -> tuple[str, str]:
    """How PostgreSQL plans the look at the queue: with the settings that a claim asks with, and with its own."""
    soon = NOW + timedelta(seconds=1)
    asked: list[tuple[str, Any, str]] = []

    def explained(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            asked.append((sql, params, plan(sql, params)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        claimed = Delivery.objects.claim(project, soon, lease=soon + timedelta(seconds=45), limit=64, busy=["user-3"])
    assert len(claimed) == 64
    look, params, during = asked[0]
    return during, plan(look, params)


def plan(sql: str, params: Any) -> str:
    """How PostgreSQL would carry it out at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


def forget_all() -> None:
    """Empty the outbox; its pages stay."""
    Delivery.objects.all().delete()
    WebhookEvent.objects.all().delete()


# --- The plan -------------------------------------------------------------------------------------------------


def test_a_claim_does_not_sort_a_backlog_that_came_after_the_table_was_emptied_and_counted(db: None) -> None:
    project = make_project()
    fill(project)
    analyze()
    forget_all()
    analyze()
    fill(project)
    during, otherwise = plans_of_claim(project)
    assert "using delivery_due" in during and "Sort" not in during
    # Or this proves nothing: left alone, PostgreSQL takes all that is due and sorts it.
    assert "Sort" in otherwise


@pytest.mark.parametrize("others", [0, BACKLOG])
def test_a_claim_does_not_sort_a_backlog_that_has_not_been_counted_yet(db: None, others: int) -> None:
    fill(make_project(), others)
    analyze()
    project = make_project()
    fill(project)
    during, _ = plans_of_claim(project)
    assert "using delivery_due" in during and "Sort" not in during


def test_it_still_gives_the_oldest_due_first(db: None) -> None:
    project = make_project()
    fill(project, 30)
    oldest = Delivery.objects.order_by("-id")[0]
    Delivery.objects.filter(pk=oldest.pk).update(due_at=NOW - timedelta(hours=1))
    soon = NOW + timedelta(seconds=1)
    claimed = Delivery.objects.claim(project, soon, lease=soon, limit=3, busy=())
    first_two = list(Delivery.objects.order_by("id").values_list("id", flat=True)[:2])
    assert [row.pk for row in claimed] == [oldest.pk, *first_two]


# --- The setting ----------------------------------------------------------------------------------------------


def test_the_setting_ends_with_the_block(db: None) -> None:
    assert setting() == "on"
    with in_index_order():
        assert setting() == "off"
    assert setting() == "on"


def test_after_a_claim_the_rest_of_its_transaction_may_sort(db: None) -> None:
    project = make_project()
    fill(project, 1)
    Delivery.objects.claim(project, NOW, lease=NOW, limit=1, busy=())
    assert setting() == "on"


def test_what_fails_in_the_block_takes_the_setting_with_it_when_its_transaction_is_rolled_back(db: None) -> None:
    with pytest.raises(DataError), transaction.atomic(), in_index_order(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert setting() == "on"


@pytest.mark.django_db(transaction=True)
def test_the_next_transaction_of_the_connection_knows_nothing_of_it() -> None:
    with transaction.atomic(), in_index_order():
        assert setting() == "off"
    assert setting() == "on"
    with pytest.raises(ZeroDivisionError), transaction.atomic(), in_index_order():
        raise ZeroDivisionError
    assert setting() == "on"
