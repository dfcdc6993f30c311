"""How far an import of history has come, so that one that was interrupted goes on where it stopped.

A row is there while an import is not finished. It moves in the transaction that stores the events it counts.
"""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from integration.models.projects import Project


class ImportTakenOverError(Exception):
    """Another process is importing the same file into the same project."""


class HistoryImport(models.Model):
    """An import that is under way, or was interrupted. The file is known by its content, wherever it lies."""

    # No index of its own: the constraint's begins with it.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports", db_index=False)
    digest = models.CharField(_("SHA-256 of the file"), max_length=64)
    contact_only = models.BooleanField()
    # So much of what is in the file, uncompressed, has been dealt with.
    offset = models.BigIntegerField(default=0)
    line = models.BigIntegerField(default=0)
    # Events that were new, and that were there already.
    new = models.BigIntegerField(default=0)
    repeated = models.BigIntegerField(default=0)
    # Lines that stand for no event or for one that was not wanted, and lines that cannot be used.
    left_out = models.BigIntegerField(default=0)
    unusable = models.BigIntegerField(default=0)
    # When the last of the deliveries so far is due.
    due_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("project", "digest", "contact_only"), name="one_import_of_a_file"),
        )

    def __str__(self) -> str:
        return f"Import into {self.project}, {self.line} lines so far"

    @classmethod
    def begun(cls, project: Project, digest: str, now: datetime, *, contact_only: bool) -> HistoryImport:
        """The row of this import: that of the interrupted one, or a new one."""
        found, _ = cls.objects.get_or_create(
            project=project, digest=digest, contact_only=contact_only, defaults={"started_at": now}
        )
        return found

    def take(self) -> None:
        """Lock the row for this transaction. Raises ImportTakenOverError where it is not as it was left here."""
        row = HistoryImport.objects.select_for_update().filter(pk=self.pk, offset=self.offset)
        # Another process waits here until this one has committed, and then finds that it has moved.
        if row.first() is None:
            raise ImportTakenOverError
