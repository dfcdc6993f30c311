"""
What tests of the front page need: a story of a project's deliveries, and what the page says of them.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from integration.figures import HOUR, floor_hour
from integration.models import CountedHour, Project
from integration.models.recounting import count_on
from tests.admin.conftest import text_of
from tests.models.aged import aged

RANGES = ("1h", "24h", "7d", "30d")
# Hours ago, status, and what differs: of every range something, settled and not.
STORY: tuple[tuple[float, str, dict[str, Any]], ...] = (
    *((hours, "delivered", {"event_type": "renewal"}) for hours in (0.1, 0.2, 0.35, 0.6, 0.8, 1.2, 1.4)),
    (0.3, "failed", {"event_type": "renewal"}),
    (0.4, "pending", {}),
    (0.5, "pending", {"tries": 2}),
    (2.5, "skipped", {"reason": "sandbox", "event_type": "renewal", "environment": "SANDBOX"}),
    (5.5, "pending", {"tries": 3, "event_type": "renewal"}),
    (20, "skipped", {"reason": "event_type_off", "event_type": "expiration"}),
    (23, "failed", {"event_type": "trial_started"}),
    (30, "delivered", {"event_type": "trial_started"}),
    (100, "delivered", {"event_type": "trial_started"}),
    (160, "pending", {}),
    (400, "delivered", {"event_type": "renewal"}),
    (700, "failed", {"event_type": "renewal"}),
    (760, "failed", {"event_type": "renewal"}),
)


def ago(hours: float) -> datetime:
    """So many hours ago; the tests before may have taken long."""
    return timezone.now() - timedelta(hours=hours)


def live_through(*projects: Project) -> None:
    """What the story says, counted as a worker does; the many hours in which nothing came count as counted."""
    deliveries = [
        aged(project, ago(hours), status, **fields) for project in projects for hours, status, fields in STORY
    ]
    now = timezone.now()
    busy = {floor_hour(delivery.created_at) for delivery in deliveries}
    hours = {floor_hour(now - hour * HOUR) for hour in range(2, 32 * 24)}
    counted = [CountedHour(hour=hour, counted_at=now) for hour in hours - busy]
    CountedHour.objects.bulk_create(counted, ignore_conflicts=True)
    CountedHour.objects.filter(hour__in=busy).delete()
    count_on(now, go_on=lambda: True)


def page(client: Client, **query: str) -> Any:
    """The front page's context."""
    response = client.get("/admin/", query)
    text_of(response)
    return response.context


def number(text: str) -> int:
    """What a figure or cell says."""
    return int(re.sub(r"<[^>]*>|,", "", text))


def funnel(context: Any) -> dict[str, int]:
    """The six figures of the funnel."""
    return {figure.label: number(figure.value) for figure in context["figures"][:6]}


def rows_of(context: Any, name: str) -> dict[str, list[str]]:
    """A table's rows by the text of their first cell."""
    return {re.sub("<[^>]*>", "", str(row[0])): [str(cell) for cell in row] for row in context[name]["rows"]}
