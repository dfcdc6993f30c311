"""
Deliveries of some time ago, in whatever state: stored by the door's own code, and then made older.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from integration.models import Delivery, Project, WebhookEvent
from tests.factories import receive


def aged(
    project: Project,
    at: datetime,
    status: str = "delivered",
    *,
    took: float = 1.0,
    event: dict[str, Any] | None = None,
    **fields: Any,
) -> Delivery:
    """A delivery that arrived at that time, and was settled `took` seconds later unless it is pending."""
    delivery = receive(project, **(event or {}))
    settled = at + timedelta(seconds=took)
    values = {
        "status": status,
        "created_at": at,
        "finished_at": None if status == "pending" else settled,
        "due_at": at if status == "pending" else None,
    }
    Delivery.objects.filter(pk=delivery.pk).update(**(values | fields))
    WebhookEvent.objects.filter(pk=delivery.webhook_event_id).update(received_at=at)
    delivery.refresh_from_db()
    return delivery
