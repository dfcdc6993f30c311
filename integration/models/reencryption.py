"""Puts every stored secret under the newest key of ENCRYPTION_KEYS, one at a time, while everything runs.

What is stored meanwhile is never overwritten (compare-and-swap on the ciphertext), and no text is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.apps import apps
from django.db import models

from integration.models.secrets import Secret, SecretField, SecretUnreadableError


class Renewal(StrEnum):
    """What became of one stored secret."""

    RENEWED = "renewed"
    CURRENT = "current"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """One secret of one row; `owner` and `name` say in words whose and which it is."""

    row: models.Model
    field: SecretField

    @property
    def owner(self) -> str:
        """The row, as a person knows it."""
        return f"{self.row._meta.verbose_name} “{self.row}” ({self.row.pk})"

    @property
    def name(self) -> str:
        """The field, as a person knows it."""
        return str(self.field.verbose_name)

    def renew(self) -> Renewal:
        """Store it under the newest key, unless somebody else stores something at this moment; then look again."""
        rows: models.QuerySet[Any] = models.QuerySet(type(self.row)).filter(pk=self.row.pk)
        name = self.field.name
        stored: Secret | None = getattr(self.row, name)
        while stored:
            try:
                renewed = stored.renewed()
            except SecretUnreadableError:
                return Renewal.UNREADABLE
            if renewed == stored:
                return Renewal.CURRENT
            if rows.filter(**{name: stored}).update(**{name: renewed}):
                return Renewal.RENEWED
            # Replaced meanwhile, perhaps by a process that does not know the newest key yet; or the row is gone.
            stored = rows.values_list(name, flat=True).first()
        return Renewal.CURRENT


def stored_secrets() -> Iterator[StoredSecret]:
    """Every secret there is, of every model with a SecretField."""
    for model in apps.get_models():
        fields = [field for field in model._meta.get_fields() if isinstance(field, SecretField)]
        rows: models.QuerySet[Any] = models.QuerySet(model).order_by("pk")
        for row in rows.iterator() if fields else ():
            yield from (StoredSecret(row, field) for field in fields if getattr(row, field.name))
