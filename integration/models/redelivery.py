"""Redelivering all that a filter finds: how far it has come, so that it can be stopped at any row and gone on with.

Each batch is one transaction with the row that counts it, so whoever is killed has done what the row says. Which
deliveries are due again is `Delivery.objects.requeue`'s to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from integration.models.deliveries import Delivery
from integration.models.log_filter import LogFilter
from integration.models.planner import in_index_order
from integration.models.projects import Project

# So many deliveries in one transaction.
BATCH = 500
# Whoever goes on with it has it for so long, and a little longer after each batch.
LEASE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction did: how many are owed again, of which projects, and whether there are more."""

    count: int
    projects: frozenset[UUID]
    more: bool


class BulkRedeliveryQuerySet(models.QuerySet["BulkRedelivery"]):
    """Those that are not at their end."""

    def unfinished(self) -> BulkRedeliveryQuerySet:
        """Neither finished nor cancelled."""
        return self.filter(finished_at=None, cancelled_at=None)


class BulkRedelivery(models.Model):
    """Everything that a filter of the log found at one moment, being owed again bit by bit."""

    started_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    started_at = models.DateTimeField(_("started"))
    # What it may touch: those that whoever started it saw then, and that the filter asks for.
    projects = models.ManyToManyField(Project, related_name="+")
    # A LogFilter, and what it says; without whom a search was about, once it is at its end.
    filter = models.JSONField()
    words = models.TextField(_("filter"))
    # How many there were; more than that where `is_exact` is off.
    expected = models.PositiveIntegerField(_("deliveries"))
    is_exact = models.BooleanField()
    # Deliveries up to `newest` are meant, and those up to `after` have been dealt with.
    newest = models.BigIntegerField()
    after = models.BigIntegerField(default=0)
    redelivered = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    busy_until = models.DateTimeField(null=True, blank=True)

    objects = BulkRedeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = _("bulk redelivery")
        verbose_name_plural = _("bulk redeliveries")
        # Who may redeliver may do this.
        default_permissions = ()

    def __str__(self) -> str:
        return f"bulk redelivery {self.pk}"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is redelivered."""
        return self.finished_at is not None or self.cancelled_at is not None

    @property
    def percent(self) -> int:
        """How far it has come, as far as that is known; 100 only at its end."""
        if self.finished_at is not None:
            return 100
        done, whole = (self.redelivered, self.expected) if self.is_exact else (self.after, self.newest)
        return min(99, done * 100 // max(whole, 1))

    def take(self, now: datetime) -> bool:
        """Take it for this process; False while another one is at it, or it is over."""
        free = BulkRedelivery.objects.unfinished().filter(Q(busy_until=None) | Q(busy_until__lt=now), pk=self.pk)
        taken = bool(free.update(busy_until=now + LEASE))
        if taken:
            self.refresh_from_db()
        return taken

    def leave(self) -> None:
        """Let somebody else go on. Saves."""
        self._write(busy_until=None)

    def cancel(self, now: datetime) -> bool:
        """Redeliver no more; what is owed again stays so. False where it was over already."""
        rows = BulkRedelivery.objects.unfinished().filter(pk=self.pk)
        cancelled = bool(rows.update(cancelled_at=now, filter=self.meant().without_search().to_json()))
        self.refresh_from_db()
        return cancelled

    def finish(self, now: datetime) -> bool:
        """It is at its end. False where it was over already."""
        rows = BulkRedelivery.objects.unfinished().filter(pk=self.pk)
        kept = self.meant().without_search().to_json()
        finished = bool(rows.update(finished_at=now, busy_until=None, filter=kept))
        self.refresh_from_db()
        return finished

    def redeliver_batch(self, now: datetime, limit: int = BATCH) -> Batch | None:
        """Owe the next `limit` again, oldest first, and write down how far that is.

        None, and nothing is owed, where it was cancelled or somebody else has gone on with it meanwhile.
        """
        with transaction.atomic():
            found = self._next(limit)
            last = max(found, default=self.after)
            values = {"after": last, "redelivered": self.redelivered + len(found), "busy_until": now + LEASE}
            # As it was left, or not at all: of two who go on with it at once one comes to nothing.
            if not BulkRedelivery.objects.unfinished().filter(pk=self.pk, after=self.after).update(**values):
                return None
            Delivery.objects.filter(pk__in=found).requeue(now)
        self.after, self.redelivered = last, self.redelivered + len(found)
        return Batch(len(found), frozenset(found.values()), more=len(found) == limit)

    def _next(self, limit: int) -> Mapping[int, UUID]:
        rows = self.meant().rows(self.project_ids())
        following = rows.filter(pk__gt=self.after, pk__lte=self.newest).order_by("pk")
        with in_index_order():
            return dict(following.values_list("pk", "project_id")[:limit])

    def meant(self) -> LogFilter:
        """What it was started with."""
        return LogFilter.from_json(self.filter)

    def project_ids(self) -> list[UUID]:
        """The projects that it may touch."""
        return list(self.projects.values_list("pk", flat=True))

    def backlog(self, now: datetime, most: int) -> int:
        """How much is due already in its projects, counted to `most` and no further.

        Without those that wait for a person: nothing is sent for them, so it all may wait there.
        """
        waiting = Q(held_at__isnull=False, held_until=None)
        sending = self.projects.filter(active=True).exclude(waiting).values_list("pk", flat=True)
        due = Delivery.objects.due(now).filter(project__in=list(sending))
        return due.order_by().values("pk")[:most].count()

    def _write(self, **values: Any) -> None:
        BulkRedelivery.objects.filter(pk=self.pk).update(**values)
