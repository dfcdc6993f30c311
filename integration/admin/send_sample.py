"""Send a test: a sample of any event for a customer who is typed in, through the real path or only rehearsed.

What is sent goes in behind the door, with the door's own parsing and storing, and a worker does the rest. Its event id
begins with TEST, so that the log tells it from what RevenueCat has sent.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from integration.admin.access import may_see_payloads, only_visible
from integration.admin.base import action
from integration.admin.display import change_url
from integration.admin.project_actions import ProjectActions, ring_after_commit
from integration.admin.sample_display import Rehearsal, rehearsals, sample_result
from integration.drain.rehearsal import preview
from integration.envelopes import parse_envelope
from integration.event_types import BY_TYPE, event_type_of
from integration.models import Delivery, Project
from integration.revenuecat.events import parse
from integration.revenuecat.fields import LONGEST_ID
from integration.revenuecat.samples import for_test, load_sample, sample_names

FIRST_SAMPLE = "trial_started"


@cache
def samples_by_event_type() -> list[tuple[Any, list[tuple[str, str]]]]:
    """The samples as the choices of a select, in groups by event type; the files are read once."""
    groups: dict[str, list[tuple[str, str]]] = {row.label: [] for row in BY_TYPE.values()}
    others: list[tuple[str, str]] = []
    for name in sample_names():
        event_type = event_type_of(parse(load_sample(name)["event"], received_at_ms=0), lambda _row: True)
        group = groups[BY_TYPE[event_type].label] if event_type else others
        group.append((name, name.replace("_", " ").capitalize()))
    return [
        *((gettext_lazy(label), group) for label, group in groups.items() if group),
        (gettext_lazy("Others"), others),
    ]


class SampleForm(forms.Form):
    """Which sample, for whom."""

    sample = forms.ChoiceField(
        label=gettext_lazy("Event"),
        choices=samples_by_event_type,
        initial=FIRST_SAMPLE,
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy("As RevenueCat would send it, with the present time."),
    )
    app_user_id = forms.CharField(
        label=gettext_lazy("App User ID"),
        max_length=LONGEST_ID,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Of a contact of your own: its attributes change as if this had happened, and its activity shows the "
            "event. A contact that does not exist is made, if the settings say so."
        ),
    )
    sandbox = forms.BooleanField(
        label=gettext_lazy("As a purchase in a store's sandbox"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=gettext_lazy("What becomes of it then, “Sandbox events” of the settings says."),
    )

    def body(self, now_ms: int) -> dict[str, Any]:
        """The webhook's body."""
        given = self.cleaned_data
        return for_test(given["sample"], given["app_user_id"], now_ms=now_ms, sandbox=given["sandbox"])


class SampleActions(ProjectActions):
    """The page with the form, and what the page asks until the test is settled."""

    def get_urls(self) -> list[URLPattern]:
        """With the address that says how the newest test stands."""
        state = path(
            "<path:object_id>/test_state/",
            self.admin_site.admin_view(self.sample_state),
            name="integration_project_test_state",
        )
        return [state, *super().get_urls()]

    def idle_actions(self, project: Project | None) -> tuple[str, ...]:
        """Its button stands in the step for the test."""
        return (*super().idle_actions(project), "_send_test")

    @action(description=gettext_lazy("Send a test"), icon="science", permissions=["operate"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the form and the newest test; send one, or rehearse it."""
        project = self.known_project(request, object_id)
        form = SampleForm(request.POST or None)
        rehearsed: list[Rehearsal] = []
        if request.method == "POST" and form.is_valid():
            now = timezone.now()
            body = form.body(int(now.timestamp() * 1000))
            if "rehearse" not in request.POST:
                self._send(request, project, body)
                return HttpResponseRedirect(_page_url(project))
            rehearsed = self._rehearsed(request, project, body["event"])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": project,
            "title": _("Send a test"),
            "media": self.media,
            "form": form,
            "rehearsed": rehearsed,
            "result": None if rehearsed else sample_result(request, project),
            "page_url": _page_url(project),
            "project_url": change_url(project),
            "state_url": reverse("admin:integration_project_test_state", args=[project.pk]),
        }
        return TemplateResponse(request, "integration/send_test.html", context)

    def sample_state(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A piece of the page: how the newest test stands at this moment."""
        if not self.has_operate_permission(request, object_id):
            raise PermissionDenied
        project = self.known_project(request, object_id)
        context = {"result": sample_result(request, project), "page_url": _page_url(project)}
        return TemplateResponse(request, "integration/test_result.html", context)

    def _rehearsed(self, request: HttpRequest, project: Project, event: dict[str, Any]) -> list[Rehearsal]:
        received_at_ms = int(event["event_timestamp_ms"])
        other = project.sandbox_project
        if (
            other is not None
            and project.hands_over(parse(event, received_at_ms=received_at_ms))
            and not only_visible(request, Project.objects.filter(pk=other.pk), "pk").exists()
        ):
            return [Rehearsal(_("It would be handed over: the project for sandbox events would send it."), [])]
        previews = preview(project, event, received_at_ms=received_at_ms)
        return rehearsals(previews, calls=may_see_payloads(request))

    def _send(self, request: HttpRequest, project: Project, body: dict[str, Any]) -> None:
        event = body["event"]
        with transaction.atomic():
            Delivery.objects.accept(project.pk, parse_envelope(json.dumps(body).encode()), timezone.now())
            Project.objects.filter(pk=project.pk).update(test_event_id=event["id"])
            # The trail outlives the log, so it does not name the customer.
            self.log_change(request, project, f"Test sent: {event['type']}, {event['id']}.")
            ring_after_commit([project])
        messages.success(request, _("The test is on its way; below you see what becomes of it."))


def _page_url(project: Project) -> str:
    return reverse("admin:integration_project_send_test", args=[project.pk])
