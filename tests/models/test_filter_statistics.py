"""
PostgreSQL knows which filters of the log go together: a list of what there is not does not look through all there is.
"""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.utils import timezone

from integration.models import Delivery, WebhookEvent
from tests.factories import make_project

NOW = timezone.now()
KINDS = [
    {"status": "delivered", "event_type": "renewal", "store": "APP_STORE"},
    {"status": "skipped", "event_type": "transfer", "store": "STRIPE", "reason": "event_type_off"},
]


@pytest.fixture
def filled(db: None) -> None:
    """A log, half of it one kind and half the other, then counted."""
    project = make_project()
    for number, kind in enumerate(KINDS):
        events = WebhookEvent.objects.bulk_create(
            WebhookEvent(project=project, event_id=f"event {number} {n}", type="X", payload={}, received_at=NOW)
            for n in range(300)
        )
        Delivery.objects.bulk_create(
            Delivery(project=project, webhook_event=event, created_at=NOW, finished_at=NOW, **kind) for event in events
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE integration_delivery")


def expected(**filters: str) -> int:
    """How many rows PostgreSQL expects to find."""
    plan = json.loads(Delivery.objects.filter(**filters).explain(format="json"))[0]["Plan"]
    return int(plan["Plan Rows"])


def test_filters_that_never_go_together_are_expected_to_find_nothing(filled: None) -> None:
    assert expected(status="skipped", event_type="renewal") <= 5
    assert expected(status="skipped", store="APP_STORE") <= 5
    assert expected(event_type="renewal", store="STRIPE") <= 5
    assert expected(status="delivered", reason="event_type_off") <= 5


def test_filters_that_always_do_are_expected_to_find_all(filled: None) -> None:
    assert 250 <= expected(status="skipped", event_type="transfer", store="STRIPE") <= 350
