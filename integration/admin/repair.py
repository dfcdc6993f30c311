"""Repair: the button of a discrepancy's page, and the words above the list that lead to it. Writes the audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.enums import ActionVariant

from integration.admin.access import LogAdmin, ScopedActions
from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.display import change_url
from integration.admin.project_actions import ring_after_commit
from integration.admin.project_display import Notice
from integration.admin.webhook_actions import refused
from integration.inquiry.judging import Verdict
from integration.inquiry.repairing import repair_one
from integration.models import Discrepancy
from integration.revenuecat.errors import RevenueCatError

REPAIR_DIALOG = {
    "title": gettext_lazy("Repair"),
    "description": gettext_lazy(
        "Asks RevenueCat how the subscription stands now, takes that over, and brings the contact in Intercom up to "
        "date. Newer events overrule it, and nothing is said twice."
    ),
    "form_submit_text": gettext_lazy("Repair"),
}
# What the audit trail says; of what came to nothing it says nothing.
_TRAIL = {
    Verdict.REPAIRED: "Repaired: what RevenueCat said was taken over.",
    Verdict.AGREES: "Repair asked for: nothing differs any more.",
}


class RepairActions(ScopedActions[Discrepancy], LogAdmin[Discrepancy]):
    """The button, for those who may change the project."""

    actions_detail = ("repair",)
    list_before_template = "integration/discrepancies_top.html"

    def has_repair_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for comparing, of what they see."""
        return request.user.has_perm("integration.change_project") and self.sees(request, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """The button stands there while there is something to repair."""
        row = self.get_object(request, object_id)
        return super().get_actions_detail(request, object_id) if row is not None and row.is_open else []

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """With how to repair what is listed."""
        notices = [Notice("info", _how_to(may_repair=self.has_repair_permission(request)))]
        return super().changelist_view(request, {**(extra_context or {}), "notices": notices})

    @action(
        description=gettext_lazy("Repair"),
        icon="build",
        permissions=["repair"],
        variant=ActionVariant.PRIMARY,
        dialog=REPAIR_DIALOG,
    )
    def repair(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Ask RevenueCat, and take over what it says; or say why nothing came of it."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is no such discrepancy.")
        if not row.is_open:
            messages.info(request, _("It is over already."))
            return dialog_done(request, change_url(row))
        try:
            verdict = repair_one(row, timezone.now())
        except RevenueCatError as error:
            return refused(request, object_id, REPAIR_DIALOG, error)
        with transaction.atomic():
            if verdict in _TRAIL:
                self.log_each(request, [row], _TRAIL[verdict])
            if verdict is Verdict.REPAIRED:
                ring_after_commit([row.project])
        _say(request, row, verdict)
        return dialog_done(request, change_url(row))


def _say(request: HttpRequest, row: Discrepancy, verdict: Verdict) -> None:
    if verdict is Verdict.REPAIRED:
        messages.success(
            request, _("What RevenueCat says was taken over, and the contact in Intercom is brought up to date.")
        )
        waits_for = row.project.why_not_sending(timezone.now())
        if waits_for:
            messages.warning(request, waits_for)
    elif verdict is Verdict.AGREES:
        messages.success(request, _("There is nothing to repair any more: RevenueCat says what is kept here."))
    elif verdict is Verdict.DIFFERS:
        messages.warning(
            request,
            _(
                "It still differs, and was not repaired: no delivery of this customer could be sent again with today's "
                "settings."
            ),
        )
    else:
        messages.warning(
            request,
            _(
                "Nothing was done: RevenueCat names no subscription of this customer that could be compared, or an "
                "event of theirs is pending. Try again when it is settled."
            ),
        )


def _how_to(*, may_repair: bool) -> str:
    if may_repair:
        return _(
            "Open a discrepancy and press “Repair” to take over what RevenueCat says. To repair all that differs in a "
            "project, press “Compare with RevenueCat” on its page and switch on “Repair what differs”."
        )
    return _("An Integration admin can repair a discrepancy on its page, or all of them on the project's page.")
