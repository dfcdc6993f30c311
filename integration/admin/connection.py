"""Check connection: what was found out about the stored token, in plain words, and what to do about it.

Asking is `inquiry.connection`; nothing in Intercom is changed, and no secret gets into what is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from integration.inquiry.connection import SECONDS, check_and_remember
from integration.intercom.workspace import REGION_OF_ANSWER, Found, Verdict
from integration.models import Project
from integration.models.projects import Region
from integration.models.secrets import SecretUnreadableError


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


def check_connection(project: Project, now: datetime, *, seconds: float = SECONDS) -> ConnectionCheck:
    """Ask Intercom, keep what it says, and say it. Never raises for anything that Intercom or the network may do."""
    if not project.intercom_token:
        return ConnectionCheck(
            CheckLevel.ERROR, _("No access token is stored."), _("Paste one into “Intercom access token” and save.")
        )
    try:
        found = check_and_remember(project, now, seconds=seconds)
    except SecretUnreadableError as error:
        return ConnectionCheck(CheckLevel.ERROR, str(error))
    return said_of(project, found)


def said_of(project: Project, found: Found) -> ConnectionCheck:
    """The result of a check in words."""
    return _WORDS[found.verdict](project, found)


def _reached(found: Found) -> str:
    if not found.workspace_id:
        return _("Intercom knows the token.")
    return _("Connected to the workspace “%(name)s” (id %(id)s), region %(region)s.") % {
        "name": found.workspace or "?",
        "id": found.workspace_id,
        "region": found.region or "?",
    }


def _lacking(found: Found) -> str:
    if not found.missing:
        return ""
    return _("Give the app these permissions in Intercom's Developer Hub, under Configure, Authentication: %s.") % (
        ", ".join(found.missing)
    )


def _fits(project: Project, found: Found) -> ConnectionCheck:
    held = _("The project is held: resume it, and what waits is sent.") if project.held_at else ""
    advice = _("The token, its permissions and the region are right.")
    return ConnectionCheck(CheckLevel.SUCCESS, _reached(found), f"{advice} {held}".strip())


def _other_region(project: Project, found: Found) -> ConnectionCheck:
    answered = Region(REGION_OF_ANSWER[found.region.lower()]).label
    message = _("But this project's region is set to %s.") % Region(project.region).label
    advice = _("Set “Region” to %s and save; events may get lost or slow otherwise.") % answered
    return ConnectionCheck(CheckLevel.WARNING, f"{_reached(found)} {message}", f"{advice} {_lacking(found)}".strip())


def _unknown_region(_project: Project, found: Found) -> ConnectionCheck:
    advice = _("This app does not know a region called %s.") % (found.region or "?")
    return ConnectionCheck(CheckLevel.WARNING, _reached(found), f"{advice} {_lacking(found)}".strip())


def _lacks_permissions(_project: Project, found: Found) -> ConnectionCheck:
    message = _("Intercom knows the token, but does not allow it everything: it may not “%s”.") % "”, “".join(
        found.missing
    )
    return ConnectionCheck(CheckLevel.ERROR, message, _lacking(found))


def _plan(_project: Project, found: Found) -> ConnectionCheck:
    return ConnectionCheck(
        CheckLevel.ERROR,
        _("Intercom knows the token, but the plan of the workspace does not allow the call. %s") % found.said,
        _("The token is not at fault. Settle the workspace's plan or subscription in Intercom, then check again."),
    )


def _refused(project: Project, _found: Found) -> ConnectionCheck:
    return ConnectionCheck(
        CheckLevel.ERROR,
        _("Intercom refused the access token."),
        _(
            "Copy the whole token again from Intercom (Settings, Integrations, Developer Hub, your app, "
            "Authentication), and check that the workspace is in the region %s: a token is only known there."
        )
        % Region(project.region).label,
    )


def _busy(_project: Project, _found: Found) -> ConnectionCheck:
    return ConnectionCheck(
        CheckLevel.ERROR,
        _("The workspace has used up its calls for the moment."),
        _("The token was not judged. Check again in a few seconds."),
    )


def _not_intercom(project: Project, found: Found) -> ConnectionCheck:
    return ConnectionCheck(
        CheckLevel.ERROR,
        _("%(url)s does not answer as Intercom does. %(said)s") % {"url": project.intercom_url, "said": found.said},
        _("Check INTERCOM_API_URL on this server, or ask whoever runs the proxy in between."),
    )


def _unreachable(project: Project, found: Found) -> ConnectionCheck:
    return ConnectionCheck(
        CheckLevel.ERROR,
        _("%(url)s could not be reached. %(said)s") % {"url": project.intercom_url, "said": found.said},
        _("Check that this server may reach that address, and https://www.intercomstatus.com; then check again."),
    )


_WORDS: dict[Verdict, Callable[[Project, Found], ConnectionCheck]] = {
    Verdict.FITS: _fits,
    Verdict.OTHER_REGION: _other_region,
    Verdict.UNKNOWN_REGION: _unknown_region,
    Verdict.LACKS_PERMISSIONS: _lacks_permissions,
    Verdict.PLAN: _plan,
    Verdict.REFUSED: _refused,
    Verdict.BUSY: _busy,
    Verdict.NOT_INTERCOM: _not_intercom,
    Verdict.UNREACHABLE: _unreachable,
}
