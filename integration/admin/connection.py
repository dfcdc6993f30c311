"""Check connection: asks Intercom who the stored token belongs to, and says it in plain words.

One call, `GET /me`; nothing is changed and nothing is stored. No secret gets into what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from integration.intercom.client import IntercomClient
from integration.intercom.errors import CredentialsError, IntercomError, RateLimitedError, RejectedError
from integration.intercom.rate_limit import RateBudget
from integration.models import Project
from integration.models.projects import Region
from integration.models.secrets import SecretUnreadableError
from integration.transport import new_session

# Somebody is waiting in front of the page.
SECONDS = 10.0
# What `app.region` of GET /me says; Europe is not called EU there.
REGION_OF_ANSWER: Mapping[str, Region] = {
    "us": Region.US,
    "europe": Region.EU,
    "eu": Region.EU,
    "au": Region.AU,
    "australia": Region.AU,
}


class CheckLevel(StrEnum):
    """How a check ended; the values name unfold's message templates."""

    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """What to tell the person who asked: the result in a sentence, and what to do about it."""

    level: CheckLevel
    message: str
    advice: str = ""


def check_connection(project: Project, *, seconds: float = SECONDS) -> ConnectionCheck:
    """Ask Intercom whose token this is. Never raises for anything that Intercom or the network may do."""
    try:
        token = project.intercom_token.reveal()
    except SecretUnreadableError as error:
        return ConnectionCheck(CheckLevel.ERROR, str(error))
    if not token:
        return ConnectionCheck(
            CheckLevel.ERROR, "No access token is stored.", "Paste one into “Intercom access token” and save."
        )
    with new_session(1) as session:
        client = IntercomClient(
            session, base_url=project.intercom_url, token=token, budget=RateBudget(), seconds=seconds
        )
        try:
            return _answered(project, client.me())
        except IntercomError as error:
            return _failed(project, error, client.exchanges[-1].status if client.exchanges else None)


def _answered(project: Project, me: Mapping[str, Any]) -> ConnectionCheck:
    app = me.get("app")
    if not isinstance(app, dict):
        return ConnectionCheck(
            CheckLevel.ERROR,
            f"{project.intercom_url} answered, but not as Intercom does: the answer names no workspace.",
            "Check INTERCOM_API_URL on this server, or ask whoever runs the proxy in between.",
        )
    name, code, region = (str(app.get(key) or "?") for key in ("name", "id_code", "region"))
    reached = f"Connected to the workspace “{name}” (id {code}), region {region}."
    answered = REGION_OF_ANSWER.get(region.lower())
    if answered is None:
        return ConnectionCheck(CheckLevel.WARNING, reached, f"This app does not know a region called {region}.")
    if answered != project.region:
        return ConnectionCheck(
            CheckLevel.WARNING,
            f"{reached} But this project's region is set to {Region(project.region).label}.",
            f"Set “Region” to {answered.label} and save; events may get lost or slow otherwise.",
        )
    held = " The project is held: resume it, and what waits is sent." if project.held_at else ""
    return ConnectionCheck(CheckLevel.SUCCESS, reached, f"The token and the region are right.{held}")


def _failed(project: Project, error: IntercomError, status: int | None) -> ConnectionCheck:
    region = Region(project.region).label
    if isinstance(error, CredentialsError) and status == 401:
        message = "Intercom refused the access token."
        advice = (
            "Copy the whole token again from Intercom (Settings, Integrations, Developer Hub, your app, "
            f"Authentication), and check that the workspace is in the region {region}: a token is only known there."
        )
    elif isinstance(error, CredentialsError) and status in (402, 403):
        message = f"Intercom knows the token, but does not allow the call (it answered {status})."
        advice = "Give the app its permissions in Intercom's Developer Hub, or check the plan of the workspace."
    elif isinstance(error, RateLimitedError):
        message = "The workspace has used up its calls for the moment."
        advice = "The token was not judged. Check again in a few seconds."
    elif isinstance(error, RejectedError | CredentialsError):
        message = f"{project.intercom_url} does not answer as Intercom does. {error.message}"
        advice = "Check INTERCOM_API_URL on this server, or ask whoever runs the proxy in between."
    else:
        message = f"{project.intercom_url} could not be reached. {error.message}"
        advice = "Check that this server may reach that address, and https://www.intercomstatus.com; then check again."
    return ConnectionCheck(CheckLevel.ERROR, message, advice)
