"""Which setting keeps an event from being sent, and where it stands on the project's page."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from integration.admin.display import change_url
from integration.admin.project_form import ProjectForm, event_field
from integration.event_types import BY_TYPE, EventType
from integration.mapping import Send, Skip, SkipReason, Wait, WaitReason
from integration.models import Project

_FIELDS: dict[SkipReason | WaitReason, str] = {
    SkipReason.NOT_AN_EVENT_TYPE: "custom_types",
    SkipReason.SANDBOX: "sandbox",
    SkipReason.SANDBOX_LOGGED: "sandbox",
    SkipReason.ANONYMOUS: "anonymous",
    WaitReason.ANONYMOUS: "anonymous",
}


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
    if decided.reason is SkipReason.EVENT_TYPE_OFF:
        return _event_field(decided.event_type)
    return _FIELDS.get(decided.reason)


def setting_link(request: HttpRequest, project: Project, field: str | None) -> SettingLink | None:
    """The link to a setting, for those who may open the page that it stands on."""
    may_open = any(request.user.has_perm(f"integration.{verb}_project") for verb in ("view", "change"))
    if field is None or not may_open:
        return None
    return SettingLink(_label(field), f"{change_url(project)}#id_{field}")


def _event_field(event_type: EventType | None) -> str | None:
    return event_field(BY_TYPE[event_type]) if event_type else None


def _label(field: str) -> str:
    declared = ProjectForm.base_fields.get(field)
    return str(declared.label) if declared is not None and declared.label else field.replace("_", " ").capitalize()
