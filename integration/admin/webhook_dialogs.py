"""The dialogs about a project's webhook in RevenueCat: what they say, and the forms that show what would be, or is.

What their buttons do is in `webhook_actions`; nothing is written here.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration.admin.base import DialogForm
from integration.inquiry.checking import Looked
from integration.inquiry.registration import Plan, plan
from integration.models import Project
from integration.revenuecat.errors import RevenueCatError


class PlanForm(DialogForm):
    """Shows what would be created or changed in RevenueCat, and remembers what was shown."""

    form_before_template = "integration/webhook_plan.html"
    confirmed = forms.CharField(required=False, widget=forms.HiddenInput())
    # What to say above the plan.
    note: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan: Plan | None = None
        self.problem = ""
        if self.is_bound:
            return
        try:
            self.plan = plan(Project.objects.get(pk=kwargs["object_id"]))
        except RevenueCatError as error:
            self.problem = error.message
        except (Project.DoesNotExist, ValidationError):
            # Whoever may see everything may also ask for what is not there.
            self.problem = gettext("There is no such project.")
        else:
            self.fields["confirmed"].initial = self.plan.confirmation

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """The plan, or why there is none."""
        return {"plan": self.plan, "problem": self.problem, "note": self.note}


class LookedForm(DialogForm):
    """The dialog again, with what came of looking."""

    form_before_template = "integration/project_check.html"
    looked: Looked

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """What does not fit, and what else there is to say."""
        return {"found": self.looked.found.values(), "remarks": self.looked.remarks}


REGISTER_DIALOG = {
    "title": _("Register webhook"),
    "description": _(
        "Has RevenueCat send this project's events here, through RevenueCat's API. Where it has a webhook with this "
        "project's URL already, that one is brought up to date, and no second one is made."
    ),
    "form_class": PlanForm,
    "form_submit_text": _("Write it to RevenueCat"),
}
UPDATE_DIALOG = {**REGISTER_DIALOG, "title": _("Update webhook")}
VERIFY_DIALOG = {
    "title": _("Verify webhook"),
    "description": _(
        "Asks RevenueCat which webhook it has, and says what of it does not fit. Nothing is changed there."
    ),
    "form_submit_text": _("Verify"),
}
CHECK_DIALOG = {
    "title": _("Check everything"),
    "description": _(
        "Looks whether the webhook in RevenueCat, the access token, its workspace and the region still fit. This "
        "happens every day by itself, too. Nothing is changed there."
    ),
    "form_submit_text": _("Check now"),
}
