"""What RevenueCat was told of a project's webhook through its API: which one it is there, and with which value."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from integration.models.projects import Project
from integration.models.secrets import SecretUnreadableError

# Far longer than it takes; only the turn of a process that was killed lasts so long.
TURN = timedelta(minutes=2)


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

    @staticmethod
    def take_turn(project: Project, now: datetime) -> datetime | None:
        """Until when nobody else writes the webhook; None while somebody else does. Saves."""
        free, until = Q(registering_until=None) | Q(registering_until__lt=now), now + TURN
        return until if Project.objects.filter(free, pk=project.pk).update(registering_until=until) else None

    @staticmethod
    def end_turn(project: Project, until: datetime) -> None:
        """Let others write it, unless they do already. Saves."""
        Project.objects.filter(pk=project.pk, registering_until=until).update(registering_until=None)

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
