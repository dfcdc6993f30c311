"""What of a project's page speaks of its webhook in RevenueCat: registering it, and whether everything still fits.

The buttons stand in the page's step for the webhook (`webhook_registration`) and not in its head. What is about to be
written is shown first, and written only if it still is the same then.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.connection import CheckLevel, ConnectionCheck
from integration.admin.display import change_url, clock
from integration.admin.project_actions import CheckedForm, ProjectActions
from integration.admin.project_display import Notice
from integration.admin.webhook_dialogs import (
    CHECK_DIALOG,
    REGISTER_DIALOG,
    UPDATE_DIALOG,
    VERIFY_DIALOG,
    LookedForm,
    PlanForm,
)
from integration.inquiry.checking import check_project, rotated_sentence
from integration.inquiry.registration import PerhapsWrittenError, write_as_seen
from integration.models import Drift, Project, ProjectCheck, WebhookRegistration
from integration.revenuecat.errors import RevenueCatError
from integration.webhook_fit import Misfit

# They are reached from `webhook_registration`.
_NOT_IN_THE_HEAD = ("_register_webhook", "_update_webhook", "_verify_webhook", "_check_project")


class WebhookActions(ProjectActions):
    """The webhook's buttons, what stands beside them, and the notices of what no longer fits."""

    actions_detail = (
        *ProjectActions.actions_detail,
        "register_webhook",
        "update_webhook",
        "verify_webhook",
        "check_project",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        """With what RevenueCat was told, and when it was looked at."""
        return super().get_queryset(request).select_related("registration", "check_made")

    def idle_actions(self, project: Project | None) -> tuple[str, ...]:
        """These have their place on the page."""
        return super().idle_actions(project) + _NOT_IN_THE_HEAD

    # --- What the page says -------------------------------------------------------------------------------

    @admin.display(description=_("In RevenueCat"))
    def webhook_registration(self, project: Project) -> SafeString:
        """What RevenueCat was told, when it was looked at, and the buttons for both."""
        registration = _registration(project)
        check: ProjectCheck | None = getattr(project, "check_made", None)
        can_ask = bool(project.revenuecat_api_key and project.revenuecat_project)
        names = ["check_project"]
        if can_ask:
            names = ["update_webhook" if registration else "register_webhook", "verify_webhook", *names]
        context = {
            "can_ask": can_ask,
            "told": clock(registration.told_at) if registration else "",
            "must_tell": registration is not None and not registration.is_of_present_value,
            "checked": clock(check.checked_at) if check else "",
            "remarks": check.remarks if check else [],
            "buttons": [(_BUTTONS[name], dialog_url(project, name)) for name in names],
        }
        return render_to_string("integration/webhook_registration.html", context)

    def drift_notices(self, project: Project) -> list[Notice]:
        """What no longer fits, for the top of the page. A value that was rotated since is known without a check."""
        rows = Drift.objects.open().filter(project=project).exclude(kind=str(Misfit.WEBHOOK_AUTHORIZATION))
        said = [
            Notice("warning", gettext("{what} (since {time})").format(what=row.sentence, time=clock(row.since)))
            for row in rows
        ]
        registration = _registration(project)
        if registration is not None and not registration.is_of_present_value:
            said.append(Notice("warning", rotated_sentence(registration)))
        return said

    # --- What can be done ---------------------------------------------------------------------------------

    @action(description=_("Register webhook"), icon="add_link", permissions=["operate"], dialog=REGISTER_DIALOG)
    def register_webhook(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Make it in RevenueCat, or take over the one that is there."""
        return self._write(request, form, object_id, REGISTER_DIALOG)

    @action(description=_("Update webhook"), icon="sync", permissions=["operate"], dialog=UPDATE_DIALOG)
    def update_webhook(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Tell RevenueCat the present Authorization value, and mend what does not fit."""
        return self._write(request, form, object_id, UPDATE_DIALOG)

    def _write(self, request: HttpRequest, form: DialogForm, object_id: str, dialog: dict[str, Any]) -> HttpResponse:
        project = self.known_project(request, object_id)
        try:
            done = write_as_seen(project, form.cleaned_data["confirmed"], timezone.now())
        except PerhapsWrittenError as error:
            self.log_change(request, project, "Webhook perhaps written to RevenueCat, which did not answer.")
            advice = gettext("RevenueCat may have done it all the same: open this dialog again to see.")
            return refused(request, object_id, dialog, error, advice)
        except RevenueCatError as error:
            return refused(request, object_id, dialog, error)
        if done is None:
            return _shown_again(request, object_id, dialog)
        fields = ", ".join(one.what for one in done.changes)
        what, kept = "registered" if done.is_new else "updated", "; its signing secret is stored" if done.signs else ""
        self.log_change(request, project, f"Webhook {what} in RevenueCat ({done.webhook.id}): {fields}{kept}.")
        self._say_done(request, project, is_new=done.is_new)
        return dialog_done(request, change_url(project))

    def _say_done(self, request: HttpRequest, project: Project, *, is_new: bool) -> None:
        """And whether it fits now."""
        if check_project(project, timezone.now(), of_intercom=False).found:
            messages.warning(request, gettext("RevenueCat has it now. What still does not fit is said below."))
        elif is_new:
            messages.success(request, gettext("The webhook is registered: RevenueCat sends its events here."))
        else:
            messages.success(request, gettext("The webhook is up to date in RevenueCat."))

    @action(description=_("Verify webhook"), icon="fact_check", permissions=["operate"], dialog=VERIFY_DIALOG)
    def verify_webhook(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Say in the dialog what of it does not fit."""
        return self._look(request, object_id, VERIFY_DIALOG, of_intercom=False)

    @action(description=_("Check everything"), icon="rule", permissions=["operate"], dialog=CHECK_DIALOG)
    def check_project(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Say in the dialog what does not fit any more."""
        return self._look(request, object_id, CHECK_DIALOG, of_intercom=True)

    def _look(self, request: HttpRequest, object_id: str, dialog: dict[str, Any], *, of_intercom: bool) -> HttpResponse:
        project = self.known_project(request, object_id)
        form = LookedForm(request=request, object_id=object_id)
        form.looked = check_project(project, timezone.now(), of_intercom=of_intercom)
        return _dialog(request, dialog, form)


_BUTTONS = {
    "register_webhook": _("Register webhook"),
    "update_webhook": _("Update webhook"),
    "verify_webhook": _("Verify webhook"),
    "check_project": _("Check everything"),
}


def refused(
    request: HttpRequest, object_id: str, dialog: dict[str, Any], error: RevenueCatError, advice: str = ""
) -> HttpResponse:
    """The dialog once more, with why it came to nothing."""
    form = CheckedForm(request=request, object_id=object_id)
    form.check = ConnectionCheck(CheckLevel.ERROR, error.message, advice)
    return _dialog(request, dialog, form)


def _shown_again(request: HttpRequest, object_id: str, dialog: dict[str, Any]) -> HttpResponse:
    form = PlanForm(request=request, object_id=object_id)
    form.note = gettext("Nothing was written yet: look at what would be, as it is now, and write it then.")
    return _dialog(request, dialog, form)


def _dialog(request: HttpRequest, dialog: dict[str, Any], form: DialogForm) -> HttpResponse:
    context = {"dialog": dialog, "form": form, "form_submit_text": dialog["form_submit_text"]}
    return render(request, "unfold/helpers/dialog.html", context)


def _registration(project: Project) -> WebhookRegistration | None:
    found: WebhookRegistration | None = getattr(project, "registration", None)
    return found


def dialog_url(project: Project, name: str) -> str:
    """Where one of the page's dialogs is got from."""
    return reverse(f"admin:integration_project_{name}", args=[project.pk])
