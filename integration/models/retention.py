"""Prunes what a project need not keep any longer: settled deliveries with their attempts and their webhook event.

In batches, each one statement and one transaction, so that nobody waits for it; what somebody else is at is left for
the next time. Nothing is remembered between runs: what is still there is found again by its index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from integration.models.deliveries import Delivery
from integration.models.discrepancies import prune_discrepancies
from integration.models.identities import IdentityCase
from integration.models.projects import Project
from integration.retry import DeliveryStatus

# So many deliveries in one transaction: some 20 ms of work.
BATCH = 500

# A statement sees the rows as they were before it, also those that it deletes: hence the last condition.
_PRUNE = """
WITH gone AS MATERIALIZED (
    SELECT id, webhook_event_id, created_at FROM integration_delivery
    WHERE project_id = %(project)s AND status = %(status)s AND finished_at < %(before)s
    ORDER BY finished_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), attempts AS (
    DELETE FROM integration_deliveryattempt WHERE delivery_id IN (SELECT id FROM gone)
), deliveries AS (
    DELETE FROM integration_delivery WHERE id IN (SELECT id FROM gone)
), events AS (
    DELETE FROM integration_webhookevent AS event WHERE id IN (SELECT webhook_event_id FROM gone) AND NOT EXISTS (
        SELECT FROM integration_delivery AS other
        WHERE other.webhook_event_id = event.id AND other.id NOT IN (SELECT id FROM gone)
    )
), stale AS (
    INSERT INTO integration_stalehour (hour) SELECT DISTINCT date_trunc('hour', created_at, 'UTC') FROM gone
)
SELECT count(*) FROM gone
"""


@dataclass(frozen=True, slots=True)
class Expired:
    """The deliveries of one project and status that were settled before some time."""

    project: Project
    status: DeliveryStatus
    before: datetime

    def count(self) -> int:
        """How many there are."""
        rows = Delivery.objects.filter(project=self.project, status=str(self.status), finished_at__lt=self.before)
        return rows.count()

    def prune(self, limit: int = BATCH) -> int:
        """Delete the oldest `limit` of them, with all that hangs on them. Returns how many deliveries are gone."""
        values: dict[str, str | int | UUID | datetime] = {
            "project": self.project.pk,
            "status": str(self.status),
            "before": self.before,
            "limit": limit,
        }
        with connection.cursor() as cursor:
            cursor.execute(_PRUNE, values)
            return int(cursor.fetchone()[0])


def expired(project: Project, now: datetime) -> list[Expired]:
    """What the project's settings let go of at `now`; nothing where it keeps everything for ever."""
    kept_days = {
        DeliveryStatus.DELIVERED: project.keep_successes_days,
        DeliveryStatus.SKIPPED: project.keep_successes_days,
        DeliveryStatus.FAILED: project.keep_failures_days,
    }
    return [Expired(project, status, now - timedelta(days=days)) for status, days in kept_days.items() if days]


def prune_found(now: datetime, limit: int = BATCH) -> int:
    """Delete the discrepancies that are older than failed events are kept. Returns how many are gone; they are few."""
    total = 0
    for project in Project.objects.exclude(keep_failures_days=0):
        before, pruned = now - timedelta(days=project.keep_failures_days), limit
        while pruned == limit:
            pruned = prune_discrepancies(project.pk, before, limit)
            total += pruned
    return total


def pruning(now: datetime, limit: int = BATCH) -> Iterator[tuple[Expired, int]]:
    """Prune all projects, batch by batch; says after each what is gone. Whoever asks may stop asking at any time."""
    for project in Project.objects.order_by("pk"):
        if project.keep_successes_days:
            # Few, and nothing hangs on them.
            settled_before = now - timedelta(days=project.keep_successes_days)
            IdentityCase.objects.filter(project=project, resolved_at__lt=settled_before).delete()
        for group in expired(project, now):
            pruned = limit
            while pruned == limit:
                pruned = group.prune(limit)
                if pruned:
                    yield group, pruned
