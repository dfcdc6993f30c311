"""Redeliver: owe deliveries again, one or many, planned anew with today's settings. Writes the audit trail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integration.admin.access import ScopedActions
from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.counting import MOST_COUNTED
from integration.admin.display import change_url
from integration.admin.project_actions import ring_after_commit
from integration.models import Delivery, Project

REDELIVER_DIALOG = {
    "title": gettext_lazy("Redeliver"),
    "description": gettext_lazy(
        "Sends it again with today's settings. It keeps its original time, and Intercom drops what it "
        "already has, so this is harmless."
    ),
    "form_submit_text": gettext_lazy("Redeliver"),
}


class RedeliverActions(ScopedActions[Delivery]):
    """The button of a delivery's page, and the action of the list."""

    actions = ("redeliver_selected",)
    actions_detail = ("redeliver",)

    def has_redeliver_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may redeliver, what they see."""
        return request.user.has_perm("integration.redeliver_delivery") and self.sees(request, obj)

    @action(description=gettext_lazy("Redeliver"), icon="replay", permissions=["redeliver"], dialog=REDELIVER_DIALOG)
    def redeliver(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Owe one delivery again."""
        delivery = self.get_object(request, object_id)
        if delivery is None:
            raise Http404("There is no such delivery.")
        self._redeliver(request, [delivery])
        return dialog_done(request, change_url(delivery))

    @action(description=gettext_lazy("Redeliver the selected deliveries"), permissions=["redeliver"])
    def redeliver_selected(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Owe the selected deliveries again."""
        chosen = list(queryset[: MOST_COUNTED + 1])
        if len(chosen) > MOST_COUNTED:
            said = _("These are more than %(count)s deliveries. Use “Redeliver all that match” above the list.")
            messages.error(request, said % {"count": f"{MOST_COUNTED:,}"})
            return
        self._redeliver(request, chosen)

    def _redeliver(self, request: HttpRequest, deliveries: Sequence[Delivery]) -> None:
        now = timezone.now()
        projects = {delivery.project_id: delivery.project for delivery in deliveries}
        with transaction.atomic():
            Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).requeue(now)
            self.log_each(request, deliveries, "Redelivered.")
            ring_after_commit(list(projects.values()))
        counts = Counter(projects[delivery.project_id] for delivery in deliveries)
        waiting = {project: count for project, count in counts.items() if _waits(project, now)}
        sent = counts.total() - sum(waiting.values())
        if sent or not waiting:
            messages.success(request, _handed_over(sent))
        for project, count in waiting.items():
            messages.warning(request, _waiting(project, count))


def _waits(project: Project, now: datetime) -> bool:
    return not project.active or project.is_held(now)


def _handed_over(count: int) -> str:
    """What is true also on a page that is shown when it was sent."""
    said = ngettext(
        "%(count)s delivery was handed to the worker again, to be sent with today's settings.",
        "%(count)s deliveries were handed to the worker again, to be sent with today's settings.",
        count,
    )
    return said % {"count": f"{count:,}"}


def _waiting(project: Project, count: int) -> str:
    """One message for what is owed again and cannot be sent yet: it must not say that a worker has it."""
    if project.active:
        said = ngettext(
            "%(count)s delivery is owed again and waits: the project “%(project)s” is held. It is sent when the "
            "project is resumed.",
            "%(count)s deliveries are owed again and wait: the project “%(project)s” is held. They are sent when the "
            "project is resumed.",
            count,
        )
    else:
        said = ngettext(
            "%(count)s delivery is owed again and waits: the project “%(project)s” is switched off. It is sent when "
            "the project is switched on.",
            "%(count)s deliveries are owed again and wait: the project “%(project)s” is switched off. They are sent "
            "when the project is switched on.",
            count,
        )
    return said % {"count": f"{count:,}", "project": project}
