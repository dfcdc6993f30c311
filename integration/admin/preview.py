"""The preview page: the calls that an event would make, with the stored settings or with some that are not saved yet.

A thin face of `drain.rehearsal`: nothing is written, and nobody is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from integration.admin import preview_display as show
from integration.admin.access import may_see_payloads, only_visible, visible_projects
from integration.admin.display import pretty
from integration.admin.pasted import PayloadForm
from integration.admin.setting_links import setting_link
from integration.admin.unsaved import Unsaved, packed, read_unsaved, unpacked
from integration.drain.attempt import Crash, guarded
from integration.drain.rehearsal import preview, sender
from integration.models import Project, WebhookEvent

# The button on the settings page; and where this page carries along what was entered there.
UNSAVED, SETTINGS = "_preview_unsaved", "settings"
NEWEST = 10


@dataclass(frozen=True, slots=True)
class Previewed:
    """An event, when it came in, and the settings to plan it with."""

    project: Project
    event: dict[str, Any]
    received_at_ms: int
    unsaved: Unsaved | None


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def preview_page(request: HttpRequest, object_id: str = "") -> HttpResponse:
    """Choose a project and an event, and see what would be said of it.

    `object_id` is the project, or `?project=<pk>`; a stored event is `?event=<pk>`, and a payload is posted.
    """
    if not may_see_payloads(request):
        raise PermissionDenied
    projects = list(only_visible(request, Project.objects.all(), "pk"))
    stored = _stored_event(request)
    project = _project(object_id or request.GET.get("project", ""), projects, stored)
    unsaved = _unsaved(request, project) if project else None
    form = _payload_form(request, stored)
    asked = _asked(form, stored, project, unsaved)
    context = {
        **admin.site.each_context(request),
        "title": _("Preview"),
        "project": project,
        "project_select": show.project_select(projects, project),
        "unsaved": unsaved,
        "settings": packed(unsaved) if unsaved else "",
        "form": form,
        "stored": stored,
        "newest": show.newest_table(_newest(project), posted=unsaved is not None) if project else None,
        "form_id": show.FORM,
        **(_answer(request, asked) if asked else {}),
    }
    return TemplateResponse(request, "integration/preview.html", context)


# --- What is asked --------------------------------------------------------------------------------------------------


def _stored_event(request: HttpRequest) -> WebhookEvent | None:
    """The event that is named. Raises Http404 where there is none that this person sees."""
    chosen = request.POST.get("event") or ("" if request.method == "POST" else request.GET.get("event", ""))
    if not chosen:
        return None
    events = only_visible(request, WebhookEvent.objects.select_related("project"))
    found = events.filter(pk=chosen).first() if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19 else None
    if found is None:
        raise Http404(_("There is no such event."))
    return found


def _project(chosen: str, projects: Sequence[Project], stored: WebhookEvent | None) -> Project | None:
    """The one that is named, or whose event it is; else the first. Raises Http404 for one that is not seen."""
    if stored is not None and chosen in ("", str(stored.project_id)):
        return stored.project
    if not chosen:
        return next(iter(projects), None)
    found = next((one for one in projects if str(one.pk) == chosen), None)
    if found is None:
        raise Http404(_("There is no such project."))
    return found


def _unsaved(request: HttpRequest, project: Project) -> Unsaved | None:
    """The settings that came from the settings page, or came back from this one."""
    entered = request.POST if UNSAVED in request.POST else unpacked(request.POST.get(SETTINGS, ""))
    if entered is None:
        return None
    page: Any = admin.site.get_model_admin(Project)
    if not page.has_change_permission(request, project):
        raise PermissionDenied
    return read_unsaved(page, request, project, entered)


def _payload_form(request: HttpRequest, stored: WebhookEvent | None) -> PayloadForm:
    """With what was pasted, or with the stored event, to be changed and tried again."""
    if stored is not None:
        return PayloadForm(initial={"payload": pretty(stored.payload)})
    return PayloadForm(request.POST) if request.POST.get("payload", "").strip() else PayloadForm()


def _asked(
    form: PayloadForm, stored: WebhookEvent | None, project: Project | None, unsaved: Unsaved | None
) -> Previewed | None:
    if project is None or (unsaved is not None and unsaved.errors):
        return None
    if stored is not None:
        at_ms = int(stored.received_at.timestamp() * 1000)
        return Previewed(project, stored.payload["event"], at_ms, unsaved)
    if form.is_bound and form.is_valid():
        return Previewed(project, form.cleaned_data["payload"], int(timezone.now().timestamp() * 1000), unsaved)
    return None


def _newest(project: Project) -> Iterable[WebhookEvent]:
    return WebhookEvent.objects.filter(project=project).defer("payload").order_by("-pk")[:NEWEST]


# --- What is answered -----------------------------------------------------------------------------------------------


def _answer(request: HttpRequest, asked: Previewed) -> dict[str, Any]:
    """What needs saying first, and a panel for each person."""
    project = asked.unsaved.project if asked.unsaved else asked.project
    sends = sender(project, asked.event, received_at_ms=asked.received_at_ms)
    notices = _notices(request, project, sends)
    if sends != project and not _sees(request, sends):
        return {"answered": True, "notices": notices}
    policy = asked.unsaved.policy if asked.unsaved else None
    rehearse = partial(preview, project, asked.event, received_at_ms=asked.received_at_ms, policy=policy)
    found = guarded(rehearse)
    if isinstance(found, Crash):
        return {"answered": True, "notices": [*notices, {"level": "error", "text": found.outcome.message}]}
    return {"answered": True, "notices": notices, "people": show.person_panels(request, sends, found)}


def _sees(request: HttpRequest, project: Project) -> bool:
    projects = visible_projects(request)
    return projects is None or project.pk in projects


def _notices(request: HttpRequest, project: Project, sends: Project) -> list[dict[str, Any]]:
    """Who sends it instead, and what keeps the sender from sending anything at all."""
    notices: list[dict[str, Any]] = []
    if sends != project:
        if not _sees(request, sends):
            text = _("A sandbox event: “%(project)s” hands it to another project, which you do not see.")
            return [_notice(request, project, "sandbox", text % {"project": project}, "info")]
        text = _("A sandbox event: “%(project)s” hands it to “%(other)s”, whose settings count.")
        said = text % {"project": project, "other": sends}
        notices.append(_notice(request, project, "sandbox", said, "info"))
    why_not = sends.why_not_sending(timezone.now())
    if why_not is not None:
        notices.append(_notice(request, sends, None if sends.active else "active", why_not))
    if not sends.intercom_token:
        text = _("“%(project)s” has no Intercom access token, so nothing is sent.") % {"project": sends}
        notices.append(_notice(request, sends, "new_intercom_token", text))
    return notices


def _notice(
    request: HttpRequest, project: Project, field: str | None, text: str, level: str = "warning"
) -> dict[str, Any]:
    return {"level": level, "text": text, "setting": setting_link(request, project, field)}
