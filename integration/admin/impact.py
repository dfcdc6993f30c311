"""Before event settings are saved: what they would have meant in the last seven days, and whether to save them.

Where they would have meant nothing the save goes straight through. What is compared is decided in `mapping.impact`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from integration.admin import impact_display as show
from integration.admin.base import BaseAdmin
from integration.admin.project_form import EVENT_FIELDS, MORE_EVENT_FIELDS
from integration.admin.unsaved import Unsaved, read_unsaved
from integration.mapping import AnonymousRule
from integration.mapping.impact import Impact, Settings, impact
from integration.models import Project
from integration.models.lately import Lately, lately
from integration.models.mapping_settings import Sandbox

LOOKED_BACK = timedelta(days=7)
# What the buttons of the page in between say: save it, or go back to the form.
CONFIRMED, REOPENED = "_impact_confirmed", "_impact_reopened"
# The settings that decide whether something is sent and under which name, and which attributes contacts have.
DECISIVE = frozenset(
    {
        *(*EVENT_FIELDS, *MORE_EVENT_FIELDS, "custom_types", "sandbox", "sandbox_project", "anonymous"),
        *("contact_facts", "attribute_prefix", "subscriber_attributes", "money", "lifetime_totals"),
    }
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What was entered, what came in lately, and what differs for it."""

    unsaved: Unsaved
    lately: Lately
    impact: Impact


class ImpactBeforeSaving(BaseAdmin[Project]):
    """Puts a page between the form and saving, where saving changes what is sent; and the preview below the form."""

    change_form_after_template = "integration/preview_button.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of settings; between the form and saving it, perhaps, the question."""
        if REOPENED in request.POST:
            messages.info(request, _("Nothing is saved yet."))
            return super().change_view(request, object_id, form_url, extra_context)
        now = timezone.now()
        compared = self._compared(request, object_id, now) if request.method == "POST" else None
        # What somebody else saves meanwhile the form itself finds.
        if compared is not None and compared.impact and CONFIRMED not in request.POST:
            return self._ask(request, compared)
        response = super().change_view(request, object_id, form_url, extra_context)
        if compared is not None and isinstance(response, HttpResponseRedirect):
            self._offer(request, compared, now)
        return response

    def get_form(self, request: HttpRequest, obj: Project | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form; the one that is filled in, where somebody comes back to it."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return _reopened(form) if REOPENED in request.POST else form

    def _compared(self, request: HttpRequest, object_id: str, now: datetime) -> Compared | None:
        """None where there is nothing to compare: what is not valid, not theirs to change, or decides nothing."""
        project = self.get_object(request, object_id)
        if project is None or not self.has_change_permission(request, project):
            return None
        unsaved = read_unsaved(self, request, project, request.POST)
        if unsaved.errors or DECISIVE.isdisjoint(unsaved.changed):
            return None
        before = Settings(project.policy(), _hands_over(project))
        after = Settings(unsaved.policy, _hands_over(unsaved.project))
        names_count = {before.policy.anonymous, after.policy.anonymous} != {AnonymousRule.SEND}
        handed_to = project.sandbox_project_id if before.hands_over else None
        recent = lately(project, now - LOOKED_BACK, handed_to=handed_to, names_count=names_count)
        return Compared(unsaved, recent, impact(recent.seen, before, after))

    def _ask(self, request: HttpRequest, compared: Compared) -> HttpResponse:
        unsaved = compared.unsaved
        form = self.get_form(request, unsaved.project, change=True)(instance=unsaved.project)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Before saving “%(project)s”") % {"project": unsaved.project},
            "looked": show.looked_sentence(compared.lately),
            "lines": show.lines(compared.impact),
            "table": show.table(compared.impact),
            "missed": show.missed_sentence(compared.impact),
            "values": [(name, text) for name, texts in unsaved.values.items() for text in texts],
            "secrets": [form[name] for name in unsaved.secrets],
            "confirmed": CONFIRMED,
            "reopened": REOPENED,
        }
        return TemplateResponse(request, "integration/impact.html", context)

    def _offer(self, request: HttpRequest, compared: Compared, now: datetime) -> None:
        """Say what was skipped and would be sent now, to those who may redeliver it."""
        may = all(request.user.has_perm(f"integration.{verb}_delivery") for verb in ("view", "redeliver"))
        offers = show.offers(compared.unsaved.project, compared.impact, now - LOOKED_BACK) if may else []
        if offers:
            messages.info(request, show.offer_message(offers))


def _hands_over(project: Project) -> bool:
    return project.sandbox == Sandbox.OTHER and project.sandbox_project_id is not None


class _Reopened:
    """In front of a form: what is filled in is shown again, and not saved however good it is."""

    def is_valid(self) -> bool:
        """No."""
        return False


def _reopened(form: Any) -> Any:
    return type(form)(form.__name__, (_Reopened, form), {})
