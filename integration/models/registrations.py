"""What RevenueCat was told of a project's webhook through its API: which one it is there, and with which value."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import models

from integration.models.projects import Project
from integration.models.secrets import SecretUnreadableError


class WebhookRegistration(models.Model):
    """The webhook that was registered or updated here. There is no row where it was set up by hand."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="registration")
    webhook_id = models.CharField("id in RevenueCat", max_length=255)
    told_at = models.DateTimeField()
    # Of the Authorization value, which is 256 bits of chance: it tells whether another one has been made since.
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.webhook_id} of {self.project}"

    @classmethod
    def told(cls, project: Project, webhook_id: str, digest: str, now: datetime) -> None:
        """RevenueCat has this webhook now, with the value of this digest. Saves."""
        values = {"webhook_id": webhook_id, "told_at": now, "digest": digest}
        cls.objects.update_or_create(values, project=project)

    @property
    def is_of_present_value(self) -> bool:
        """Whether the Authorization value is still the one that RevenueCat was told. An unreadable one is not."""
        try:
            return self.digest == digest_of(self.project)
        except SecretUnreadableError:
            return False


def digest_of(project: Project) -> str:
    """Tells one Authorization value from another. Raises SecretUnreadableError."""
    return hashlib.sha256(f"{project.pk}:{project.authorization.reveal()}".encode()).hexdigest()
