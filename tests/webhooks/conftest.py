"""
The door as RevenueCat meets it: a project, and a way to post to it.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integration.models import Delivery, Project, WebhookEvent
from tests.factories import AUTHORIZATION, make_project, raw, webhook


class Door:
    """Posts to one project; what a test leaves out is what RevenueCat would send."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.client = Client()

    @property
    def path(self) -> str:
        """The webhook URL's path."""
        return f"/webhooks/revenuecat/{self.project.pk}/"

    def post(
        self,
        body: Any = None,
        *,
        authorization: str | None = AUTHORIZATION,
        content_type: str = "application/json",
        path: str = "",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        **environ: Any,
    ) -> Any:
        """Post a body: bytes as they are, anything else as JSON, a good event where there is none."""
        content = body if isinstance(body, bytes) else raw(webhook() if body is None else body)
        sent = dict(headers or {})
        if authorization is not None:
            sent["Authorization"] = authorization
        return self.client.generic(method, path or self.path, content, content_type, headers=sent, **environ)

    @property
    def stored(self) -> int:
        """How many events the project has; each must owe one delivery, a transfer two."""
        count = WebhookEvent.objects.filter(project=self.project).count()
        owed = Delivery.objects.filter(project=self.project)
        assert (
            owed.exclude(webhook_event__type="TRANSFER").count()
            + owed.filter(webhook_event__type="TRANSFER").values("webhook_event").distinct().count()
            == count
        )
        return count


@pytest.fixture
def door(db: None) -> Door:
    """A project with an Authorization value and no signing secret, and its door."""
    return Door(make_project())
