"""Which setting keeps an event from being sent, and where it stands on the project's page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from integration.admin.display import change_url
from integration.admin.event_field import SWITCH, event_field
from integration.admin.project_form import ProjectForm
from integration.admin.remedies import AFTER_SKIP, OF_EVENT_TYPE
from integration.event_types import BY_TYPE, CATALOGUE, EventType
from integration.mapping import Send, Skip, Wait, WaitReason
from integration.models import Project

# The fields of event types that have a switch beside their name.
_SWITCHED = frozenset(event_field(row) for row in CATALOGUE if row.optional)


@dataclass(frozen=True, slots=True)
class SettingLink:
    """A setting by its label, and the address of its field."""

    label: str
    url: str


def deciding_field(decided: Send | Skip | Wait) -> str | None:
    """The name of the settings page's field that keeps a data event from being sent; None where no setting does."""
    if isinstance(decided, Send):
        if decided.only_log:
            return "sandbox"
        return None if decided.data_event else _event_field(decided.event_type)
    if isinstance(decided, Wait):
        # Of a delivery that waits already somebody is named in the queue; here nothing waits yet.
        return "anonymous" if decided.reason is WaitReason.ANONYMOUS else None
    field = AFTER_SKIP[decided.reason]
    return _event_field(decided.event_type) if field == OF_EVENT_TYPE else field


def setting_link(request: HttpRequest, project: Project, field: str | None) -> SettingLink | None:
    """The link to a setting, for those who may open the page that it stands on."""
    may_open = any(request.user.has_perm(f"integration.{verb}_project") for verb in ("view", "change"))
    if field is None or not may_open:
        return None
    return SettingLink(setting_label(field), setting_url(project, field))


def setting_url(project: Project, field: str) -> str:
    """Where this field of the project's page is; of an event type that can be switched off, its switch."""
    return f"{change_url(project)}#id_{field}{SWITCH if field in _SWITCHED else ''}"


def setting_label(field: str) -> str:
    """What the project's page calls this field; "" for one of an event type that this version does not know."""
    declared = ProjectForm.base_fields.get(field)
    return str(declared.label or field) if declared is not None else ""


def _event_field(event_type: EventType | None) -> str | None:
    return event_field(BY_TYPE[event_type]) if event_type else None
