"""How a drain takes what is due: oldest first, one of a customer, and nothing that another drain is taking.

Only rows are leased here; what is planned and counted for them is the drain's business.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from integration.models.customers import Customer
from integration.models.planner import in_index_order
from integration.models.projects import Project

if TYPE_CHECKING:
    from integration.models.deliveries import Delivery, DeliveryQuerySet

# How far a claim looks for customers nobody is sending for.
WINDOW = 400
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def lease_due(
    due: DeliveryQuerySet, project: Project, now: datetime, *, lease: datetime, limit: int, busy: Collection[str]
) -> list[Delivery]:
    """See `Delivery.objects.claim`; `due` is what is due at `now`."""
    # Customers another drain is sending for would fill the window and hold up everybody behind them. They are
    # looked up while the rows come in order, until there are enough: a join could be planned the other way round.
    busy_until = Customer.objects.filter(project=project, app_user_id=OuterRef("app_user_id"))
    window = (
        due.alias(free_from=Coalesce(Subquery(busy_until.order_by().values("busy_until")), Value(LONG_AGO)))
        .filter(project=project, free_from__lte=now)
        .exclude(app_user_id__in=busy)
        .order_by("due_at", "id")
    )
    chosen: dict[str, int] = {}
    with in_index_order():
        rows = list(window.values_list("id", "app_user_id")[:WINDOW])
    for delivery_id, app_user_id in rows:
        # A delivery without a customer waits for nobody.
        chosen.setdefault(app_user_id or f"delivery {delivery_id}", delivery_id)
        if len(chosen) >= limit:
            break
    claimed = list(
        due.filter(id__in=chosen.values())
        .select_related("webhook_event")
        .order_by("due_at", "id")
        .select_for_update(skip_locked=True, of=("self",))
    )
    for delivery in claimed:
        delivery.due_at = lease
    return claimed
