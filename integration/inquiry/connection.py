"""Asks Intercom about a project's token, and keeps what was found: for a button, and for the nightly look."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integration.intercom.client import IntercomClient
from integration.intercom.rate_limit import RateBudget
from integration.intercom.workspace import Found, look
from integration.models import Project
from integration.transport import new_session

# Somebody is waiting in front of the page.
SECONDS = 10.0


def check_connection(project: Project, *, seconds: float = SECONDS) -> Found:
    """Whose token it is, and what it may do. Raises SecretUnreadableError; never for what Intercom does."""
    with new_session(1) as session:
        client = IntercomClient(
            session,
            base_url=project.intercom_url,
            token=project.intercom_token.reveal(),
            budget=RateBudget(),
            seconds=seconds,
        )
        return look(client, project.region)


def remember(project: Project, found: Found, now: datetime) -> bool:
    """Keep what was found of this token and region. False where they have been replaced meanwhile, or it is gone."""
    project.connection, project.connection_checked_at = found.to_json(), now
    kept: dict[str, Any] = {"connection": project.connection, "connection_checked_at": now}
    if found.workspace_id:
        # Where nobody answered, it still is the workspace that it was.
        project.workspace_id = kept["workspace_id"] = str(found.to_json()["workspace_id"])
    rows = Project.objects.filter(pk=project.pk, intercom_token_changed_at=project.intercom_token_changed_at)
    return bool(rows.update(**kept))


def check_and_remember(project: Project, now: datetime, *, seconds: float = SECONDS) -> Found:
    """Both. Raises SecretUnreadableError."""
    found = check_connection(project, seconds=seconds)
    remember(project, found, now)
    return found
