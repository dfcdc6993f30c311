"""Notes on the project that webhooks arrive with its present Authorization value, for the page that sets it up.

At most one write in `EVERY`, after the event is safe; nobody is refused or kept waiting for it. Every web process then
reads the project once more, as after any change of it.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from integration.models import Project
from integration.revenuecat.samples import is_test_id

EVERY = timedelta(minutes=10)


def note_arrival(project: Project, authorization: str, event_id: str, now: datetime) -> None:
    """A webhook was let in. Those with the value before the present one do not count, nor do tests from here."""
    seen = project.webhook_seen_at
    is_noted = seen is not None and now - seen < EVERY
    if is_noted or is_test_id(event_id) or not project.is_present_value(authorization):
        return
    # A lambda, because Django names what failed by its __qualname__, and a partial has none.
    transaction.on_commit(lambda: _note(project.pk, now), robust=True)


def _note(project_id: uuid.UUID, now: datetime) -> None:
    old = Q(webhook_seen_at=None) | Q(webhook_seen_at__lt=now - EVERY)
    Project.objects.filter(old, pk=project_id).update(webhook_seen_at=now)
