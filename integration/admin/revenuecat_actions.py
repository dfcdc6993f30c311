"""What of a project's page asks RevenueCat: reading names, and comparing how subscriptions stand.

Each is a dialog, as in `project_actions`; what was refused is said in the dialog itself, which stays open.
"""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.display import change_url
from integration.admin.project_display import comparison_sentence
from integration.admin.webhook_actions import WebhookActions, dialog_url, refused
from integration.bells import ring_reconcile
from integration.inquiry.comparing import DAYS, MOST_DAYS
from integration.inquiry.names import read_names
from integration.models import Project, Reconciliation
from integration.revenuecat.errors import RevenueCatError
from integration.stored_language import stored_language

NAMES_DIALOG = {
    "title": _("Read names from RevenueCat"),
    "description": _(
        "Asks RevenueCat what the products and entitlements of this project are called, and adds the names that are "
        "new. Names that are there already stay as they are."
    ),
    "form_submit_text": _("Read names"),
}


class ReconcileForm(DialogForm):
    """Which customers to compare, and whether to repair what differs."""

    days = forms.IntegerField(
        label=_("Customers with an event in the last days"),
        min_value=1,
        max_value=MOST_DAYS,
        initial=DAYS,
        help_text=format_lazy(
            _("1 to {most}. RevenueCat is asked once for each of them, about 400 in a minute."), most=MOST_DAYS
        ),
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    repair = forms.BooleanField(
        label=_("Repair what differs"),
        required=False,
        help_text=_("Takes over what RevenueCat says, and brings the contacts in Intercom up to date."),
        widget=UnfoldBooleanSwitchWidget(),
    )


RECONCILE_DIALOG = {
    "title": _("Compare with RevenueCat"),
    "description": _(
        "Asks RevenueCat how the subscriptions of customers stand now, and lists where that differs from what is kept "
        "here. A worker does it; the page of the project says how far it has come."
    ),
    "form_class": ReconcileForm,
    "form_submit_text": _("Compare"),
}
# Those that need an API key.
_ASKING = ("_read_names", "_reconcile")


class RevenueCatActions(WebhookActions):
    """The buttons of the settings page, those that ask RevenueCat among them."""

    actions_detail = (*WebhookActions.actions_detail, "read_names", "reconcile")

    def idle_actions(self, project: Project | None) -> tuple[str, ...]:
        """These have their place on the page, where a key is stored."""
        return super().idle_actions(project) + _ASKING

    @admin.display(description=_("Last compared"))
    def compared(self, project: Project) -> SafeString | str:
        """What came of the newest comparison, and the buttons for what RevenueCat can be asked."""
        said = comparison_sentence(project, timezone.now())
        if not project.revenuecat_api_key:
            return said
        buttons = [
            {"url": dialog_url(project, "read_names"), "text": NAMES_DIALOG["title"], "icon": "sell"},
            {"url": dialog_url(project, "reconcile"), "text": RECONCILE_DIALOG["title"], "icon": "compare_arrows"},
        ]
        return render_to_string("integration/compared.html", {"said": said, "buttons": buttons})

    @action(description=_("Read names from RevenueCat"), icon="sell", permissions=["operate"], dialog=NAMES_DIALOG)
    def read_names(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Fill in what is new, or say why RevenueCat did not tell."""
        project = self.known_project(request, object_id)
        try:
            names = read_names(project)
        except RevenueCatError as error:
            return refused(request, object_id, NAMES_DIALOG, error)
        if names.added:
            with stored_language():
                self.log_change(request, project, f"Names of products and entitlements: {names}.")
        messages.success(request, gettext("Names of products and entitlements: {names}.").format(names=names))
        return dialog_done(request, change_url(project))

    @action(
        description=_("Compare with RevenueCat"),
        icon="compare_arrows",
        permissions=["operate"],
        dialog=RECONCILE_DIALOG,
    )
    def reconcile(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Begin, or go on where it stopped; a worker does the rest."""
        project, now = self.known_project(request, object_id), timezone.now()
        days, repair = form.cleaned_data["days"], form.cleaned_data["repair"]
        with transaction.atomic():
            run = Reconciliation.begin(project, days=days, repair=repair, now=now)
            if not run.is_busy(now):
                what = f"the last {run.days} days{', with repair' if run.repair else ''}"
                self.log_change(request, project, f"Comparison with RevenueCat started: {what}.")
            transaction.on_commit(lambda: ring_reconcile(project.pk), robust=True)
        if run.is_busy(now):
            messages.warning(request, gettext("A comparison is under way: {counts} so far.").format(counts=run.counts))
        else:
            messages.success(request, gettext("The comparison begins; what differs is listed under Discrepancies."))
        return dialog_done(request, change_url(project))
