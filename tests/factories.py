"""
Rows and webhooks for tests: projects that are ready to send, and events that went in through the door's own code.

Nothing is faked here; what a test wants different from the default it names as a keyword.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from integration.drain import drain
from integration.envelopes import parse_envelope
from integration.models import Delivery, Project
from integration.models.secrets import Secret
from integration.webhooks.views import accept

TOKEN = "dG9rOnRlc3QtdG9rZW4tMTIzNDU2Nzg5MA=="
AUTHORIZATION = "Bearer door-value-for-tests-0123456789"
SIGNING_SECRET = "signing-secret-for-tests"
FIXTURES = Path(__file__).parent / "fixtures"
# 2026-01-01T00:00:00Z
NEW_YEAR_MS = 1_767_225_600_000
DAY_MS = 86_400_000


class Clock:
    """A clock that only the test moves; it starts at the real time."""

    def __init__(self) -> None:
        self.time = timezone.now() + timedelta(seconds=1)

    def __call__(self) -> datetime:
        """Now."""
        return self.time

    def advance(self, **amount: float) -> None:
        """Move on, by timedelta's keywords."""
        self.time += timedelta(**amount)


def make_project(name: str = "", *, token: str = TOKEN, authorization: str = AUTHORIZATION, **fields: Any) -> Project:
    """A saved project with a token and an Authorization value that tests know."""
    project = Project.prepared(
        name=name or f"Project {uuid.uuid4()}", intercom_token=token, now=timezone.now() - timedelta(hours=1)
    )
    project.authorization = Secret.of(authorization)
    for field, value in fields.items():
        setattr(project, field, value)
    project.save()
    return project


def webhook(event_type: str = "RENEWAL", **fields: Any) -> dict[str, Any]:
    """The body of a webhook, a renewal of a monthly subscription by default; None as a value stays a null."""
    event: dict[str, Any] = {
        "id": str(uuid.uuid4()).upper(),
        "type": event_type,
        "event_timestamp_ms": NEW_YEAR_MS,
        "app_id": "app1234567890",
        "app_user_id": "user-1",
        "aliases": ["user-1"],
        "product_id": "premium_monthly",
        "period_type": "NORMAL",
        "expiration_at_ms": NEW_YEAR_MS + 30 * DAY_MS,
        "environment": "PRODUCTION",
        "entitlement_ids": ["premium"],
        "store": "APP_STORE",
        "price": 5.99,
    }
    return {"api_version": "1.0", "event": event | fields}


def raw(body: Any) -> bytes:
    """The bytes RevenueCat would post."""
    return json.dumps(body).encode()


def receive(project: Project, body: dict[str, Any] | None = None, **fields: Any) -> Delivery:
    """Take a webhook in as the door does, without HTTP; the delivery that is owed for it, or one of them."""
    body = webhook(**fields) if body is None else body
    assert accept(Project.objects.with_version().get(pk=project.pk), parse_envelope(raw(body)))
    owed = Delivery.objects.filter(project=project, webhook_event__event_id=body["event"]["id"]).order_by("id")
    return owed[0]


def run_drain(project: Project, now: Callable[[], datetime] | None = None, **options: Any) -> bool:
    """Drain the project without jitter, a second from now so that what is due now is due."""
    options.setdefault("stop", threading.Event())
    options.setdefault("chance", lambda: 0.0)
    return drain(project.pk, now=now or _soon, **options)


def refreshed(delivery: Delivery) -> Delivery:
    """The row as it is now."""
    return Delivery.objects.select_related("customer", "project").get(pk=delivery.pk)


def _soon() -> datetime:
    return timezone.now() + timedelta(milliseconds=5)
