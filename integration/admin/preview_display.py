"""What the preview page says: for each person the calls that would be made, or the setting that keeps them back.

Nothing is decided here; the texts of the core stand as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldAdminSelectWidget

from integration.admin.display import LONGEST_ID, NOTHING, breakable, cut, json_block, label, moment, two_lines
from integration.admin.setting_links import SettingLink, deciding_field, setting_link
from integration.drain.rehearsal import Preview
from integration.mapping import Send, Wait
from integration.models import Project, WebhookEvent

FORM = "preview-form"


@dataclass(frozen=True, slots=True)
class CallPanel:
    """One call for the template."""

    method: str
    path: str
    request: SafeString | None
    error: str


@dataclass(frozen=True, slots=True)
class PersonPanel:
    """What would become of the event for one person."""

    person: str
    headline: SafeString
    sentence: str
    setting: SettingLink | None
    calls: Sequence[CallPanel]


def person_panels(request: HttpRequest, project: Project, previews: Iterable[Preview]) -> list[PersonPanel]:
    """A panel for each; `project` is the one that would send."""
    return [
        PersonPanel(
            person=one.app_user_id or _("Nobody"),
            headline=_headline(one),
            sentence=_sentence(one),
            setting=setting_link(request, project, _deciding_field(one)),
            calls=[_call(call) for call in one.calls],
        )
        for one in previews
    ]


def _headline(one: Preview) -> SafeString:
    if isinstance(one.decided, Wait):
        return label(_("Would wait"), "warning")
    if not isinstance(one.decided, Send):
        return label(_("Would not be sent"), "default")
    if one.decided.only_log:
        return label(_("Would only be logged"), "default")
    if _error(one):
        return label(_("Would not get through"), "danger")
    calls = ngettext("%(count)s call", "%(count)s calls", len(one.calls)) % {"count": len(one.calls)}
    return label(calls, "success")


def _sentence(one: Preview) -> str:
    if not isinstance(one.decided, Send):
        return _(one.decided.sentence)
    if one.decided.only_log:
        return _("“Sandbox events” are only logged in this project's settings. These calls would be written down:")
    return _error(one) or one.decided.note


def _deciding_field(one: Preview) -> str | None:
    # Nothing but this setting makes a call fail where nobody is called.
    return "missing_contact" if _error(one) else deciding_field(one.decided)


def _error(one: Preview) -> str:
    return next((str(call["error"]) for call in one.calls if call.get("error")), "")


def _call(call: dict[str, Any]) -> CallPanel:
    body = call.get("request")
    return CallPanel(
        method=str(call["method"]),
        path=str(call["path"]),
        request=None if body is None else json_block(body, _("What would be sent"), opened=True),
        error=str(call.get("error") or ""),
    )


def project_select(projects: Iterable[Project], chosen: Project | None) -> SafeString:
    """The projects to choose from, in unfold's looks."""
    widget = UnfoldAdminSelectWidget(choices=[(str(one.pk), str(one)) for one in projects])
    html: SafeString = widget.render("project", str(chosen.pk) if chosen else None, {"id": "id_project"})
    return html


def newest_table(events: Iterable[WebhookEvent], *, posted: bool) -> dict[str, Any]:
    """Events to pick from, as a table of unfold's: links, or buttons of the page's form where it carries settings."""
    rows = [
        [
            two_lines(_pick(event, posted=posted), _kind(event)),
            two_lines(cut(event.app_user_id, LONGEST_ID), moment(event.received_at)),
        ]
        for event in events
    ]
    return {"headers": [_("Event, product"), _("Customer, received")], "rows": rows}


def _kind(event: WebhookEvent) -> str:
    """What tells events of one type apart."""
    sandbox = _("sandbox") if event.environment == "SANDBOX" else ""
    return ", ".join(part for part in (event.product_id, sandbox) if part) or NOTHING


def _pick(event: WebhookEvent, *, posted: bool) -> SafeString:
    if posted:
        button = '<button type="submit" form="{}" name="event" value="{}" class="cursor-pointer text-link">{}</button>'
        return format_html(button, FORM, event.pk, breakable(event.type))
    return format_html('<a href="?event={}#answer" class="text-link">{}</a>', event.pk, breakable(event.type))
