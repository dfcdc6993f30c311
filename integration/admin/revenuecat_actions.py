"""What of a project's page asks RevenueCat: reading names, and comparing how subscriptions stand.

Each is a dialog, as in `project_actions`; what was refused is said in the dialog itself, which stays open.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.connection import CheckLevel, ConnectionCheck
from integration.admin.display import change_url
from integration.admin.project_actions import CheckedForm, ProjectActions
from integration.inquiry.comparing import DAYS, MOST_DAYS
from integration.inquiry.names import read_names
from integration.models import Project, Reconciliation
from integration.revenuecat.errors import RevenueCatError
from integration.tasks import ring_reconcile

NAMES_DIALOG = {
    "title": "Read names from RevenueCat",
    "description": "Asks RevenueCat what the products and entitlements of this project are called, and adds the names "
    "that are new. Names that are there already stay as they are.",
    "form_submit_text": "Read names",
}


class ReconcileForm(DialogForm):
    """Which customers to compare, and whether to repair what differs."""

    days = forms.IntegerField(
        label="Customers with an event in the last days",
        min_value=1,
        max_value=MOST_DAYS,
        initial=DAYS,
        help_text=f"1 to {MOST_DAYS}. RevenueCat is asked once for each of them, about 400 in a minute.",
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    repair = forms.BooleanField(
        label="Repair what differs",
        required=False,
        help_text="Takes over what RevenueCat says, and brings the contacts in Intercom up to date.",
        widget=UnfoldBooleanSwitchWidget(),
    )


RECONCILE_DIALOG = {
    "title": "Compare with RevenueCat",
    "description": "Asks RevenueCat how the subscriptions of customers stand now, and lists where that differs from "
    "what is kept here. A worker does it; the page of the project says how far it has come.",
    "form_class": ReconcileForm,
    "form_submit_text": "Compare",
}
# Those that need an API key.
_ASKING = ("_read_names", "_reconcile")


class RevenueCatActions(ProjectActions):
    """The buttons of the settings page, those that ask RevenueCat among them."""

    actions_detail = (*ProjectActions.actions_detail, "read_names", "reconcile")

    def idle_actions(self, project: Project | None) -> tuple[str, ...]:
        """These stand there only where a key is stored."""
        can_ask = project is not None and bool(project.revenuecat_api_key)
        return super().idle_actions(project) + (() if can_ask else _ASKING)

    @action(description="Read names from RevenueCat", icon="sell", permissions=["operate"], dialog=NAMES_DIALOG)
    def read_names(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Fill in what is new, or say why RevenueCat did not tell."""
        project = self.known_project(request, object_id)
        try:
            names = read_names(project)
        except RevenueCatError as error:
            return refused(request, object_id, NAMES_DIALOG, error)
        if names.added:
            self.log_change(request, project, f"Names of products and entitlements: {names}.")
        messages.success(request, f"Names of products and entitlements: {names}.")
        return dialog_done(request, change_url(project))

    @action(
        description="Compare with RevenueCat", icon="compare_arrows", permissions=["operate"], dialog=RECONCILE_DIALOG
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
            messages.warning(request, f"A comparison is under way: {run.counts} so far.")
        else:
            messages.success(request, "The comparison begins; what differs is listed under Discrepancies.")
        return dialog_done(request, change_url(project))


def refused(request: HttpRequest, object_id: str, dialog: dict[str, Any], error: RevenueCatError) -> HttpResponse:
    """The dialog once more, with why it came to nothing."""
    form = CheckedForm(request=request, object_id=object_id)
    form.check = ConnectionCheck(CheckLevel.ERROR, error.message)
    context = {"dialog": dialog, "form": form, "form_submit_text": dialog["form_submit_text"]}
    return render(request, "unfold/helpers/dialog.html", context)
