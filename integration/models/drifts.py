"""Where a project no longer fits what is set up in RevenueCat and Intercom, since when, and when it was looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import models
from django.db.models import Q

from integration.models.projects import Project


class DriftQuerySet(models.QuerySet["Drift"]):
    """Open and closed ones."""

    def open(self) -> DriftQuerySet:
        """What did not fit when it was looked at last."""
        return self.filter(resolved_at=None)

    def judged(self, project: Project, found: Mapping[str, str], looked_at: Collection[str], now: datetime) -> None:
        """Write down what does not fit, a sentence for each kind; of what was `looked_at` the rest fits again."""
        still = self.open().filter(project=project)
        still.filter(kind__in=set(looked_at) - set(found)).update(resolved_at=now)
        for kind, sentence in sorted(found.items()):
            # Since when stays while it is open.
            Drift.objects.open().update_or_create(
                {"sentence": sentence}, {"sentence": sentence, "since": now}, project=project, kind=kind
            )


class Drift(models.Model):
    """One thing that does not fit, since when, and until when."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="drifts", db_index=False)
    kind = models.CharField(max_length=50)
    sentence = models.TextField()
    since = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = DriftQuerySet.as_manager()

    class Meta:
        ordering = ("since", "id")
        constraints = (
            # Also how the open ones of a project, or of all, are found.
            models.UniqueConstraint(
                fields=("project", "kind"), condition=Q(resolved_at=None), name="one_open_drift_of_a_kind"
            ),
        )

    def __str__(self) -> str:
        return self.sentence


class ProjectCheck(models.Model):
    """When a project was looked at last, what could not be looked at, and whose workspace its token belonged to."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="check_made")
    checked_at = models.DateTimeField()
    # What could not be compared, and why; no drift.
    remarks = models.JSONField(default=list, blank=True)
    workspace_id = models.CharField(max_length=100, blank=True)
    workspace_name = models.CharField(max_length=255, blank=True)
    # The `intercom_token_changed_at` of the token that was asked with.
    token_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"check of {self.project}"
