"""One delivery as a story: what happened when, what happens next, and the setting to change. Reads no rows.

The decision is made in `remedies`; here it becomes a link, or the name of the setting for those who may not change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.attempt_display import AttemptPanel
from integration.admin.display import NOTHING, Cell, change_url, clock, moment, status_label
from integration.admin.log_display import next_try
from integration.admin.remedies import IDENTITY_QUEUE, PROJECT_PAGE, Standing, Story, call_of, setting_to_change
from integration.admin.setting_links import setting_label, setting_url
from integration.models import Delivery, DeliveryAttempt, IdentityCase, Project
from integration.models.projects import MissingContact
from integration.retry import DeliveryStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, for the template; a try has a panel of its own."""

    title: str
    at: Cell
    icon: str
    colour: str
    text: Cell = ""
    attempt: AttemptPanel | None = None


def timeline(delivery: Delivery, panels: Sequence[AttemptPanel], older: int, now: datetime) -> list[Step]:
    """From the webhook to the end, or to what comes next."""
    steps = [_received(delivery, now), *_planned(delivery, [] if older else panels, now)]
    if older:
        text = ngettext("The oldest try is not shown.", "The %(count)s oldest tries are not shown.", older)
        steps.append(Step(_("Earlier tries"), "", "history", "default", text % {"count": older}))
    for panel in panels:
        title = _("Attempt %(number)s") % {"number": panel.number}
        steps.append(Step(title, panel.started, "send", panel.colour, "", panel))
    return [*steps, _end(delivery, now)]


def _received(delivery: Delivery, now: datetime) -> Step:
    event = delivery.webhook_event
    said = []
    if event.event_at is not None:
        said.append(_("It happened at %(time)s.") % {"time": clock(event.event_at)})
    if event.repeats:
        again = ngettext(
            "RevenueCat sent it once more; that made no second delivery.",
            "RevenueCat sent it %(count)s times more; that made no second delivery.",
            event.repeats,
        )
        said.append(again % {"count": event.repeats})
    if delivery.redelivered:
        said.append(_("It was redelivered since."))
    return Step(_("Received"), moment(delivery.created_at, now=now), "inbox", "success", " ".join(said))


def _planned(delivery: Delivery, panels: Sequence[AttemptPanel], now: datetime) -> list[Step]:
    """When a worker first decided what to say; the plan of today, which settings may have changed since."""
    settled = delivery.finished_at if delivery.status == DeliveryStatus.SKIPPED else None
    at = panels[0].started if panels else moment(settled, now=now)
    if at == NOTHING and not delivery.reason:
        return []
    said = []
    if delivery.project_id != delivery.webhook_event.project_id:
        said.append(_("Handed over by the project that received it."))
    if delivery.event_name:
        said.append(_("To be sent as %(name)s.") % {"name": delivery.event_name})
    if delivery.reason:
        said.append(delivery.explanation)
    return [Step(_("Planned"), "" if at == NOTHING else at, "rule", "default", " ".join(said))]


def _end(delivery: Delivery, now: datetime) -> Step:
    if delivery.status == DeliveryStatus.PENDING:
        following = moment(delivery.due_at, now=now) if _is_scheduled(delivery, now) else next_try(delivery, now)
        return Step(_("Next try"), following, "schedule", "info")
    is_bad = delivery.status == DeliveryStatus.FAILED
    icon = "error" if is_bad else "done_all" if delivery.status == DeliveryStatus.DELIVERED else "block"
    colour = "danger" if is_bad else "success" if delivery.status == DeliveryStatus.DELIVERED else "default"
    return Step(_("Settled"), moment(delivery.finished_at, now=now), icon, colour, status_label(delivery))


def _is_scheduled(delivery: Delivery, now: datetime) -> bool:
    sends = delivery.project.active and not delivery.project.is_held(now)
    return sends and delivery.due_at is not None and delivery.due_at > now


# --- Why did it not go out? --------------------------------------------------------------------------------------


def what_to_change(delivery: Delivery, attempts: Sequence[DeliveryAttempt], now: datetime) -> str | None:
    """The setting, as `remedies` names it; `attempts` oldest first."""
    project, last = delivery.project, attempts[-1] if attempts else None
    calls = [one for one in (last.exchanges if last else []) if isinstance(one, dict)]
    return setting_to_change(
        Story(
            status=DeliveryStatus(delivery.status),
            reason=delivery.reason,
            event_type=delivery.event_type,
            event_name=delivery.event_name,
            standing=_standing(project, now),
            outcome=last.outcome if last else "",
            call=call_of(str(calls[-1].get("method")), str(calls[-1].get("path"))) if calls else None,
            may_create=project.missing_contact == MissingContact.CREATE,
            contact_only=delivery.contact_only,
        )
    )


def _standing(project: Project, now: datetime) -> Standing:
    if not project.active:
        return Standing.OFF
    if not project.is_held(now):
        return Standing.SENDING
    return Standing.HELD if project.held_until is None else Standing.PAUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class May:
    """Where somebody may be led to."""

    see_settings: bool
    see_queue: bool


def advice(setting: str | None, project: Project, case: IdentityCase | None, may: May) -> Cell:
    """Where to change it, as a link for those who may go there, or else by its name; "" where nothing is to be done."""
    if setting is None:
        return ""
    if setting == IDENTITY_QUEUE:
        return _link(change_url(case), _("Say who it is in the identity queue.")) if case and may.see_queue else ""
    if setting == PROJECT_PAGE:
        if may.see_settings:
            return _link(change_url(project), _("See what is wrong, and resume it, on the project's page."))
        return _("An Integration admin can resume it on the project's page.")
    name = setting_label(setting)
    if not name:
        return ""
    if may.see_settings:
        text = _("Change “%(setting)s” in the project's settings.") % {"setting": name}
        return _link(setting_url(project, setting), text)
    return _("An Integration admin can change “%(setting)s” in the project's settings.") % {"setting": name}


def look_again(delivery: Delivery) -> SafeString:
    """The way to what has become of it since the page was made."""
    return _link(change_url(delivery), _("Look again"))


def _link(url: str, text: str) -> SafeString:
    return format_html('<a href="{}" class="font-semibold underline">{}</a>', url, text)
