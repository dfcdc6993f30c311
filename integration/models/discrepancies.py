"""Where what is kept of a customer and what RevenueCat says differ, and how far the comparison of a project has come.

A customer has one open discrepancy at most: it is brought up to date while it lasts, and closed when it is repaired or
gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration.customer_state import STATUS
from integration.intercom.messages import AttributeValue
from integration.models.customers import Customer
from integration.models.projects import Project
from integration.reconciliation import EXPIRES

# A run that has not been heard of for so long has been killed; somebody else may go on.
LEASE = timedelta(minutes=3)
# A run that was begun earlier than this is not gone on with: what it found at its beginning is old by now.
STALE = timedelta(hours=20)
# One that nobody has begun with for so long is taken up: whoever started it has had the time.
LEFT_ALONE = timedelta(minutes=1)
# So many discrepancies go in one statement.
BATCH = 500

_PRUNE = """
DELETE FROM integration_discrepancy WHERE id IN (
    SELECT id FROM integration_discrepancy WHERE project_id = %s AND found_at < %s ORDER BY found_at LIMIT %s
)
"""


class DiscrepancyQuerySet(models.QuerySet["Discrepancy"]):
    """Open and closed ones."""

    def open(self) -> DiscrepancyQuerySet:
        """Those that were neither repaired nor gone when they were last looked at."""
        return self.filter(repaired_at=None, agreed_at=None)

    def found(
        self, customer: Customer, held: Mapping[str, AttributeValue], said: Mapping[str, AttributeValue], now: datetime
    ) -> Discrepancy:
        """Write down what differs; an open discrepancy of the customer is brought up to date."""
        values = {
            "held_status": str(held.get(STATUS) or ""),
            "held_expires_at": _moment(held.get(EXPIRES)),
            "said_status": str(said.get(STATUS) or ""),
            "said_expires_at": _moment(said.get(EXPIRES)),
        }
        new = {**values, "project_id": customer.project_id, "found_at": now}
        row, _made = self.open().update_or_create(values, new, customer=customer)
        return row

    def agreed(self, customer: Customer, now: datetime) -> None:
        """What is kept is what RevenueCat says."""
        self.open().filter(customer=customer).update(agreed_at=now)


class Discrepancy(models.Model):
    """One difference: what was kept of a customer, and what RevenueCat said. A blank status is none."""

    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="discrepancies", db_index=False
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="discrepancies")
    held_status = models.CharField(_("status kept"), max_length=50, blank=True)
    held_expires_at = models.DateTimeField(_("end kept"), null=True, blank=True)
    said_status = models.CharField(_("status in RevenueCat"), max_length=50, blank=True)
    said_expires_at = models.DateTimeField(_("end in RevenueCat"), null=True, blank=True)
    found_at = models.DateTimeField(_("found"))
    # What RevenueCat said was taken over, and the contact is being brought up to date.
    repaired_at = models.DateTimeField(_("repaired"), null=True, blank=True)
    # A later comparison found no difference: a webhook has come since.
    agreed_at = models.DateTimeField(_("gone by itself"), null=True, blank=True)

    objects = DiscrepancyQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = _("discrepancy")
        verbose_name_plural = _("discrepancies")
        constraints = (
            models.UniqueConstraint(
                fields=("customer",),
                condition=Q(repaired_at=None, agreed_at=None),
                name="one_open_discrepancy_per_customer",
            ),
        )
        indexes = (
            models.Index(fields=("project", "-id"), name="discrepancy_project"),
            models.Index(fields=("project", "found_at"), name="discrepancy_found"),
            models.Index(fields=("said_status", "-id"), name="discrepancy_said"),
        )

    def __str__(self) -> str:
        held, said = self.held_status or gettext("no status"), self.said_status or gettext("no status")
        return gettext("%(held)s, but %(said)s in RevenueCat") % {"held": held, "said": said}

    @property
    def is_open(self) -> bool:
        """Whether there still is something to do."""
        return self.repaired_at is None and self.agreed_at is None

    def repair(self, now: datetime) -> None:
        """Close it: what RevenueCat said is what is kept now. Saves."""
        self.repaired_at = now
        self.save(update_fields=["repaired_at"])


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    """Which comparisons somebody should go on with."""

    def left_alone(self, now: datetime) -> list[UUID]:
        """The projects whose comparison is not at its end, and nobody is at it: what was to go on with it has died.

        One that says why it stopped waits for the night, or for somebody to start it again.
        """
        rows = self.filter(finished_at=None, problem="", started_at__gt=now - STALE)
        idle = rows.filter(Q(busy_until=None, started_at__lt=now - LEFT_ALONE) | Q(busy_until__lt=now))
        return list(idle.values_list("project_id", flat=True))


class Reconciliation(models.Model):
    """The newest comparison of a project, and how far it has come: whoever goes on with it begins after `after`."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="reconciliation")
    days = models.PositiveSmallIntegerField()
    repair = models.BooleanField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # The App User ID of the customer that was compared last.
    after = models.CharField(max_length=255, blank=True)
    compared = models.PositiveIntegerField(default=0)
    differing = models.PositiveIntegerField(default=0)
    repaired = models.PositiveIntegerField(default=0)
    # Left out: unknown to RevenueCat, waiting for a delivery, or without a status that could be compared.
    left_out = models.PositiveIntegerField(default=0)
    # Why it stopped before its end.
    problem = models.TextField(blank=True)
    # Whoever is at it has it until then.
    busy_until = models.DateTimeField(null=True)

    objects = ReconciliationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"comparison of {self.project}"

    @classmethod
    def begin(cls, project: Project, *, days: int, repair: bool, now: datetime) -> Reconciliation:
        """A new comparison, or the one that is under way, or stopped before its end with these same wishes. Saves."""
        known = cls.objects.filter(project=project).first()
        if known is not None and (known.is_busy(now) or known.goes_on(days, repair, now)):
            return known
        fresh: dict[str, Any] = {
            "days": days,
            "repair": repair,
            "started_at": now,
            "finished_at": None,
            "after": "",
            "problem": "",
            **dict.fromkeys(("compared", "differing", "repaired", "left_out"), 0),
        }
        return cls.objects.update_or_create(fresh, project=project)[0]

    def goes_on(self, days: int, repair: bool, now: datetime) -> bool:
        """Whether it stopped before its end, not long ago, with these same wishes."""
        is_fresh = self.finished_at is None and self.started_at > now - STALE
        return is_fresh and (self.days, self.repair) == (days, repair)

    def is_busy(self, now: datetime) -> bool:
        """Whether some process is at it."""
        return self.busy_until is not None and self.busy_until > now

    def take(self, now: datetime) -> bool:
        """Take it for this process; False while another one is at it."""
        free = Reconciliation.objects.filter(Q(busy_until=None) | Q(busy_until__lt=now), pk=self.pk)
        taken = bool(free.update(busy_until=now + LEASE, problem=""))
        if taken:
            self.refresh_from_db()
        return taken

    def keep(self, now: datetime) -> None:
        """Write down how far it has come, and keep it a little longer."""
        self.busy_until = now + LEASE
        self._write("after", "compared", "differing", "repaired", "left_out", "busy_until")

    def leave(self, *, finished_at: datetime | None = None, problem: str = "") -> None:
        """Let somebody else go on; or it is at its end, or cannot go on for now. Saves."""
        self.busy_until, self.finished_at, self.problem = None, finished_at, problem
        # Nothing goes on from there, and it names a person.
        self.after = self.after if finished_at is None else ""
        self._write("busy_until", "finished_at", "problem", "after")

    def _write(self, *names: str) -> None:
        # Not save(), which would make the row anew where the project has been deleted meanwhile.
        Reconciliation.objects.filter(pk=self.pk).update(**{name: getattr(self, name) for name in names})

    @property
    def counts(self) -> str:
        """What came of it so far, in words."""
        said = gettext("%(compared)s compared, %(differing)s differ, %(repaired)s repaired")
        if self.left_out:
            said = gettext("%(compared)s compared, %(differing)s differ, %(repaired)s repaired, %(left_out)s left out")
        counted = ("compared", "differing", "repaired", "left_out")
        return said % {name: f"{getattr(self, name):,}" for name in counted}


def prune_discrepancies(project_id: UUID, before: datetime, limit: int = BATCH) -> int:
    """Delete the oldest `limit` that were found before that time. Returns how many are gone."""
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE, [project_id, before, limit])
        return int(cursor.rowcount)


def _moment(seconds: AttributeValue) -> datetime | None:
    return datetime.fromtimestamp(seconds, tz=UTC) if isinstance(seconds, int) else None
