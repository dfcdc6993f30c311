"""
The bell is rung after the commit: whatever becomes of it, the event is safe and RevenueCat hears so.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from integration.models import Delivery
from tests.factories import AUTHORIZATION, make_project, raw, webhook


@pytest.fixture
def broken_engine(transactional_db: None) -> Iterator[None]:
    """An engine that takes no jobs."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs ADD CONSTRAINT no_more CHECK (false) NOT VALID")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs DROP CONSTRAINT no_more")


@pytest.mark.usefixtures("broken_engine")
def test_an_event_whose_bell_cannot_be_rung_is_answered_200_and_stays_owed() -> None:
    project = make_project()
    answer = Client().generic(
        "POST",
        f"/webhooks/revenuecat/{project.pk}/",
        raw(webhook()),
        "application/json",
        headers={"Authorization": AUTHORIZATION},
    )
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    assert Delivery.objects.get(project=project).status == "pending"
