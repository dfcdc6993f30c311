"""What the admin says of a project: its state, what needs attention, and the value to paste into RevenueCat.

Nothing is read from the database, and an unreadable secret is said, never raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin.display import clock, copy_field, label
from integration.models import Project
from integration.models.secrets import SecretUnreadableError

# What to do about each secret that cannot be read.
_REMEDIES = {
    "authorization": (
        gettext_lazy("Authorization value"),
        gettext_lazy("rotate it with “Rotate authorization”. Webhooks are refused until then"),
    ),
    "signing_secret": (
        gettext_lazy("signing secret"),
        gettext_lazy("enter it anew below. Webhooks are refused until then"),
    ),
    "intercom_token": (
        gettext_lazy("Intercom access token"),
        gettext_lazy("enter it anew below. Nothing is sent until then"),
    ),
    "revenuecat_api_key": (
        gettext_lazy("RevenueCat API key"),
        gettext_lazy("enter it anew below. RevenueCat is not asked until then"),
    ),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be said above a form; `level` names unfold's message template."""

    level: str
    text: str


def hold_sentence(project: Project, now: datetime) -> str:
    """Whether the project is sending, and if not, why and until when."""
    if not project.active:
        return _("Switched off: webhooks are stored, and delivered when “Active” is on again.")
    if project.held_at is None or not project.is_held(now):
        return _("Sending.")
    said = {"since": clock(project.held_at), "reason": project.hold_reason}
    if project.held_until is not None:
        said["until"] = clock(project.held_until)
        return _("Held since %(since)s, until %(until)s; sending goes on by itself then. %(reason)s") % said
    return _("Held since %(since)s, until somebody resumes it. %(reason)s") % said


def state_label(project: Project, now: datetime) -> SafeString:
    """A project's state in a word, with the reason as a tooltip."""
    sentence = hold_sentence(project, now)
    if not project.active:
        return label(_("Off"), "default", sentence)
    if not project.is_held(now):
        return label(_("Sending"), "success", sentence)
    if project.held_until is None:
        return label(_("Held"), "danger", sentence)
    return label(_("Pausing"), "warning", sentence)


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
        old = _("there was none before it")
    elif overlap:
        old = _("the old value stays valid until %(time)s") % {"time": clock(now + overlap)}
    else:
        old = _("the old value is void at once")
    until = overlap_until(project, now)
    if until is None:
        return old
    said = _("%(old)s; the value before it, which was to stay valid until %(time)s, is void at once")
    return said % {"old": old, "time": clock(until)}


def authorization_field(project: Project, now: datetime) -> SafeString | str:
    """The value in clear with its copy button, and until when the one before it is taken as well."""
    try:
        value = project.authorization.reveal()
    except SecretUnreadableError:
        return _("It cannot be read: see above.")
    if not value:
        return _("There is none, so every webhook is refused. Make one with “Rotate authorization”.")
    until = overlap_until(project, now)
    overlap = _("The value before this one stays valid until %s.") % clock(until) if until else ""
    return format_html(
        '{}<div class="leading-relaxed mt-2 text-xs">{}</div>', copy_field(value, _("the Authorization value")), overlap
    )


def comparison_sentence(project: Project, now: datetime) -> str:
    """How far the newest comparison with RevenueCat has come. Read together with the project, if there is one."""
    run = getattr(project, "reconciliation", None)
    if run is None:
        return _("Never.")
    if run.finished_at is not None:
        return f"{clock(run.finished_at)}: {run.counts}."
    begun = _("Begun at %(at)s: %(counts)s so far.") % {"at": clock(run.started_at), "counts": run.counts}
    if run.problem:
        stopped = _("It stopped: %s Compare again, and it goes on from there.") % run.problem
        return f"{begun} {stopped}"
    waits = _("It is under way.") if run.is_busy(now) else _("It waits for a worker; if none comes, compare again.")
    return f"{begun} {waits}"


def project_notices(project: Project, now: datetime) -> list[Notice]:
    """What the operator should know before anything else."""
    notices = [
        Notice(
            "error",
            _(
                "The %(name)s cannot be read: it was encrypted with a key that ENCRYPTION_KEYS no longer names. Add "
                "that key again, or %(remedy)s."
            )
            % {"name": name, "remedy": remedy},
        )
        for field, (name, remedy) in _REMEDIES.items()
        if getattr(project, field).is_unreadable
    ]
    if not project.intercom_token:
        notices.append(Notice("warning", _("No Intercom access token is stored: enter one below. Nothing is sent.")))
    if not project.active:
        notices.append(Notice("warning", hold_sentence(project, now)))
    elif project.intercom_token and project.is_held(now):
        notices.append(Notice("error" if project.held_until is None else "warning", hold_sentence(project, now)))
    return notices
