"""The indexes of the deliveries, and what each is for.

Every one of them costs at every webhook, and twice more where the delivery is claimed and settled. So those that only
a filter of the log needs hold the few rows that it is about, where those are few.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

# Answers that say "done" are those of nearly all deliveries; nobody looks for them by number.
FIRST_ANSWER_OF_NOTE = 300
ANSWER_OF_NOTE = Q(last_answer__gte=FIRST_ANSWER_OF_NOTE) | Q(last_answer=0)
RETRYING = Q(status="pending", tries__gt=0)

DELIVERY_INDEXES = (
    # What the drain takes.
    models.Index(
        fields=("project", "due_at", "id"),
        include=("app_user_id",),
        condition=Q(status="pending"),
        name="delivery_due",
    ),
    # Which seconds of a contact are taken.
    models.Index(fields=("customer", "event_second"), name="delivery_second"),
    # The lists of the log, newest first.
    models.Index(fields=("project", "-id"), name="delivery_project"),
    models.Index(fields=("status", "-id"), name="delivery_status"),
    # What was sent has no reason, and is not in it. What else is asked for stands behind the order, as below.
    models.Index(
        fields=("reason", "-id", "status", "event_type", "store", "project"),
        condition=~Q(reason=""),
        name="delivery_reason",
    ),
    models.Index(fields=("event_type", "-id"), name="delivery_event_type"),
    # Nearly all is of production, which needs no index of its own and pays for none of this at the door. What
    # else is asked for is in it too, behind the order: rows that do not fit are passed over without being read.
    models.Index(
        fields=("environment", "-id", "status", "reason", "event_type", "project", "store", "created_at"),
        condition=~Q(environment="PRODUCTION"),
        name="delivery_environment",
    ),
    # No store is the usual one of every app. New rows go to a page that is in memory, so it costs little.
    models.Index(fields=("store", "-id", "status", "event_type"), name="delivery_store"),
    # In the order of the list also for all 4xx or 5xx, which no index by the answer has.
    models.Index(
        fields=("-id", "last_answer", "status", "event_type", "store", "project"),
        condition=ANSWER_OF_NOTE,
        name="delivery_answer",
    ),
    models.Index(fields=("-id",), condition=RETRYING, name="delivery_retrying"),
    models.Index(fields=("app_user_id",), name="delivery_app_user_id"),
    models.Index(fields=("created_at",), name="delivery_created_at"),
    # What may be pruned, oldest first; what is pending is not in it.
    models.Index(
        fields=("project", "status", "finished_at"),
        condition=Q(finished_at__isnull=False),
        name="delivery_settled",
    ),
)
