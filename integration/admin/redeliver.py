"""Redeliver: owe deliveries again, one or many, planned anew with today's settings. Writes the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from integration.admin.access import ScopedActions
from integration.admin.base import MOST_COUNTED, DialogForm, action, dialog_done
from integration.admin.display import change_url, times
from integration.admin.project_actions import ring_after_commit
from integration.models import Delivery

REDELIVER_DIALOG = {
    "title": "Redeliver",
    "description": "Sends it again with today's settings. It keeps its original time, and Intercom drops what it "
    "already has, so this is harmless.",
    "form_submit_text": "Redeliver",
}


class RedeliverActions(ScopedActions[Delivery]):
    """The button of a delivery's page, and the action of the list."""

    actions = ("redeliver_selected",)
    actions_detail = ("redeliver",)

    def has_redeliver_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may redeliver, what they see."""
        return request.user.has_perm("integration.redeliver_delivery") and self.sees(request, obj)

    @action(description="Redeliver", icon="replay", permissions=["redeliver"], dialog=REDELIVER_DIALOG)
    def redeliver(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Owe one delivery again."""
        delivery = self.get_object(request, object_id)
        if delivery is None:
            raise Http404("There is no such delivery.")
        self._redeliver(request, [delivery])
        return dialog_done(request, change_url(delivery))

    @action(description="Redeliver the selected deliveries", permissions=["redeliver"])
    def redeliver_selected(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Owe the selected deliveries again."""
        chosen = list(queryset[: MOST_COUNTED + 1])
        if len(chosen) > MOST_COUNTED:
            messages.error(
                request, f"These are more than {MOST_COUNTED:,} deliveries. Narrow them down with the filters first."
            )
            return
        self._redeliver(request, chosen)

    def _redeliver(self, request: HttpRequest, deliveries: Sequence[Delivery]) -> None:
        now = timezone.now()
        projects = list({delivery.project_id: delivery.project for delivery in deliveries}.values())
        with transaction.atomic():
            count = Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).requeue(now)
            self.log_each(request, deliveries, "Redelivered.")
            ring_after_commit(projects)
        said = times(count, "delivery is", "deliveries are")
        messages.success(request, f"{said} being sent again, with today's settings.")
        for project in projects:
            if not project.active or project.is_held(now):
                why = "switched off" if not project.active else "held"
                messages.warning(
                    request, f"The project “{project}” is {why}: its deliveries wait until it sends again."
                )
