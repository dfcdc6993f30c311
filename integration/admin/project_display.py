"""What the admin says of a project: its state, what needs attention, and the value to paste into RevenueCat.

Nothing is read from the database, and an unreadable secret is said, never raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

from integration.admin.display import clock, copy_field, label
from integration.models import Project
from integration.models.secrets import SecretUnreadableError

# What to do about each secret that cannot be read.
_REMEDIES = {
    "authorization": ("Authorization value", "rotate it with “Rotate authorization”. Webhooks are refused until then"),
    "signing_secret": ("signing secret", "enter it anew below. Webhooks are refused until then"),
    "intercom_token": ("Intercom access token", "enter it anew below. Nothing is sent until then"),
    "revenuecat_api_key": ("RevenueCat API key", "enter it anew below. RevenueCat is not asked until then"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be said above a form; `level` names unfold's message template."""

    level: str
    text: str


def hold_sentence(project: Project, now: datetime) -> str:
    """Whether the project is sending, and if not, why and until when."""
    if not project.active:
        return "Switched off: webhooks are stored, and delivered when “Active” is on again."
    if project.held_at is None or not project.is_held(now):
        return "Sending."
    since = f"Held since {clock(project.held_at)}"
    if project.held_until is not None:
        return f"{since}, until {clock(project.held_until)}; sending goes on by itself then. {project.hold_reason}"
    return f"{since}, until somebody resumes it. {project.hold_reason}"


def state_label(project: Project, now: datetime) -> SafeString:
    """A project's state in a word, with the reason as a tooltip."""
    sentence = hold_sentence(project, now)
    if not project.active:
        return label("Off", "default", sentence)
    if not project.is_held(now):
        return label("Sending", "success", sentence)
    return label("Held", "danger", sentence) if project.held_until is None else label("Pausing", "warning", sentence)


def is_readable(project: Project) -> bool:
    """Whether this server can read the Authorization value."""
    return not project.authorization.is_unreadable


def overlap_until(project: Project, now: datetime) -> datetime | None:
    """Until when the Authorization value before the present one is taken as well; None where there is no such value."""
    until, previous = project.previous_authorization_until, project.previous_authorization
    return until if until and until > now and previous and not previous.is_unreadable else None


def rotation_sentence(project: Project, now: datetime, overlap: timedelta) -> str:
    """What a rotation at `now` does to the values that are taken; `project` as it is before it."""
    if not project.authorization:
        old = "there was none before it"
    elif overlap:
        old = f"the old value stays valid until {clock(now + overlap)}"
    else:
        old = "the old value is void at once"
    until = overlap_until(project, now)
    if until is None:
        return old
    return f"{old}; the value before it, which was to stay valid until {clock(until)}, is void at once"


def authorization_field(project: Project, now: datetime) -> SafeString | str:
    """The value in clear with its copy button, and until when the one before it is taken as well."""
    try:
        value = project.authorization.reveal()
    except SecretUnreadableError:
        return "It cannot be read: see above."
    if not value:
        return "There is none, so every webhook is refused. Make one with “Rotate authorization”."
    until = overlap_until(project, now)
    overlap = f"The value before this one stays valid until {clock(until)}." if until else ""
    return format_html(
        '{}<div class="leading-relaxed mt-2 text-xs">{}</div>', copy_field(value, "the Authorization value"), overlap
    )


def comparison_sentence(project: Project, now: datetime) -> str:
    """How far the newest comparison with RevenueCat has come. Read together with the project, if there is one."""
    run = getattr(project, "reconciliation", None)
    if run is None:
        return "Never."
    if run.finished_at is not None:
        return f"{clock(run.finished_at)}: {run.counts}."
    begun = f"Begun at {clock(run.started_at)}: {run.counts} so far."
    if run.problem:
        return f"{begun} It stopped: {run.problem} Compare again, and it goes on from there."
    return (
        f"{begun} It is under way."
        if run.is_busy(now)
        else f"{begun} It waits for a worker; if none comes, compare again."
    )


def project_notices(project: Project, now: datetime) -> list[Notice]:
    """What the operator should know before anything else."""
    notices = [
        Notice(
            "error",
            f"The {name} cannot be read: it was encrypted with a key that ENCRYPTION_KEYS no longer names. "
            f"Add that key again, or {remedy}.",
        )
        for field, (name, remedy) in _REMEDIES.items()
        if getattr(project, field).is_unreadable
    ]
    if not project.intercom_token:
        notices.append(Notice("warning", "No Intercom access token is stored: enter one below. Nothing is sent."))
    if not project.active:
        notices.append(Notice("warning", hold_sentence(project, now)))
    elif project.intercom_token and project.is_held(now):
        notices.append(Notice("error" if project.held_until is None else "warning", hold_sentence(project, now)))
    return notices
