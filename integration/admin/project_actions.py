"""What can be done with a project besides saving its settings: check the connection, rotate, resume.

Each is a dialog: opening it changes nothing, and carrying it out is a POST. What changes something writes the audit
trail; checking the connection changes nothing, and only what it found is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from integration.admin.access import ScopedActions
from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.connection import CheckLevel, ConnectionCheck, check_connection
from integration.admin.display import change_url, clock
from integration.admin.project_display import Notice, is_readable, overlap_until, rotation_sentence
from integration.admin.setup_panel import setup_panel
from integration.bells import ring
from integration.models import Project
from integration.models.projects import AUTHORIZATION_OVERLAP
from integration.stored_language import stored_language

LONGEST_OVERLAP_HOURS = 720
_HOUR = timedelta(hours=1)
_MESSAGE_LEVELS = {
    CheckLevel.SUCCESS: messages.SUCCESS,
    CheckLevel.WARNING: messages.WARNING,
    CheckLevel.ERROR: messages.ERROR,
}


class RotateForm(DialogForm):
    """How long the old Authorization value is still taken; says which other one is not any more."""

    form_before_template = "integration/rotate.html"
    hours = forms.IntegerField(
        label=gettext_lazy("Hours for which the old value stays valid"),
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        initial=int(AUTHORIZATION_OVERLAP / _HOUR),
        help_text=format_lazy(
            gettext_lazy(
                "0 to {longest}. Paste the new value into RevenueCat within this time. If the old value has leaked, "
                "choose 0 and paste at once: what is refused meanwhile RevenueCat sends again."
            ),
            longest=LONGEST_OVERLAP_HOURS,
        ),
        widget=UnfoldAdminIntegerFieldWidget(),
    )

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """Both values, by their ends, while two are taken."""
        project = None
        with suppress(ValidationError):
            project = Project.objects.filter(pk=object_id).first()
        until = overlap_until(project, timezone.now()) if project else None
        if project is None or until is None:
            return {}
        return {
            "present": project.authorization.hint,
            "dying": project.previous_authorization.hint,
            "until": clock(until),
        }


class CheckedForm(DialogForm):
    """The dialog again, with the result of a check above its button."""

    form_before_template = "integration/connection_check.html"
    check: ConnectionCheck

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """The result."""
        return {"check": self.check}


CHECK_DIALOG: dict[str, Any] = {
    "title": gettext_lazy("Check connection"),
    "description": gettext_lazy(
        "Asks Intercom which workspace the stored access token belongs to, and whether it may do what this app does. "
        "Nothing is changed there."
    ),
    "form_submit_text": gettext_lazy("Check now"),
}
ROTATE_DIALOG: dict[str, Any] = {
    "title": gettext_lazy("Rotate authorization"),
    "description": gettext_lazy(
        "Makes a new Authorization value. Webhooks with the old one are taken for as long as you say here, so that "
        "none is refused until the new one is in RevenueCat."
    ),
    "form_class": RotateForm,
    "form_submit_text": gettext_lazy("Make a new value"),
}
RESUME_DIALOG: dict[str, Any] = {
    "title": gettext_lazy("Resume sending"),
    "description": gettext_lazy(
        "Lifts the hold and sends what waits, oldest first. If the reason still stands, it is held again."
    ),
    "form_submit_text": gettext_lazy("Resume"),
}


class ProjectActions(ScopedActions[Project]):
    """The buttons of the settings page, and of the list of projects."""

    actions = ("resume_selected",)
    actions_detail: tuple[str, ...] = ("check_connection", "rotate_authorization", "resume")

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change a project may also do these."""
        return request.user.has_perm("integration.change_project") and self.sees(request, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Without those that would come to nothing."""
        actions = super().get_actions_detail(request, object_id)
        idle = self.idle_actions(self.get_object(request, object_id))
        return [one for one in actions if not one.action_name.endswith(idle)]

    def idle_actions(self, project: Project | None) -> tuple[str, ...]:
        """The ends of the names of such actions: `Resume` stands there only while the project is held."""
        held = project is not None and project.held_at is not None
        return () if held else ("_resume",)

    def webhook_registration(self, project: Project) -> Any:
        """What stands in the step for the webhook beside the values to copy; None where there is nothing."""
        return None

    def drift_notices(self, project: Project) -> list[Notice]:
        """What no longer fits RevenueCat or Intercom, for the top of the page."""
        return []

    def setup_panel(self, request: HttpRequest, project: Project) -> dict[str, Any]:
        """The steps of setting the project up, as this person sees them."""
        may_operate = self.has_operate_permission(request)
        registration = self.webhook_registration(project) if may_operate else None
        return setup_panel(project, timezone.now(), may_operate=may_operate, registration=registration)

    @action(description=gettext_lazy("Check connection"), icon="cable", permissions=["operate"], dialog=CHECK_DIALOG)
    def check_connection(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Say which workspace answered, or what is wrong, and keep it: in the dialog, and in the step behind it.

        The page is not loaded anew, so that nothing is lost that somebody has entered and not saved.
        """
        project = self.known_project(request, object_id)
        check = check_connection(project, timezone.now())
        if not request.headers.get("HX-Request"):
            messages.add_message(request, _MESSAGE_LEVELS[check.level], f"{check.message} {check.advice}".strip())
            return dialog_done(request, change_url(project))
        checked = CheckedForm(request=request, object_id=object_id)
        checked.check = check
        context = {
            "dialog": CHECK_DIALOG,
            "form": checked,
            "form_submit_text": CHECK_DIALOG["form_submit_text"],
            "setup": self.setup_panel(request, project),
            "swap": True,
        }
        return render(request, "integration/checked_dialog.html", context)

    @action(description=gettext_lazy("Rotate authorization"), icon="key", permissions=["operate"], dialog=ROTATE_DIALOG)
    def rotate_authorization(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """A new value, while the old one stays valid for the chosen time; one before that is void at once."""
        known, now = self.known_project(request, object_id), timezone.now()
        with transaction.atomic():
            # Locked, so that what is said of the values is true also of two rotations at once; webhooks do not wait.
            project = Project.objects.select_for_update(no_key=True).get(pk=known.pk)
            # An old value that cannot be read cannot be compared either: it must not stand in the way of the new one.
            overlap = form.cleaned_data["hours"] * _HOUR if is_readable(project) else timedelta()
            what_follows = rotation_sentence(project, now, overlap)
            with stored_language():
                what_followed = rotation_sentence(project, now, overlap)
            project.rotate_authorization(now, overlap=overlap)
            self.log_change(request, project, f"Authorization value rotated; {what_followed}.")
        messages.success(request, _("Copy the new Authorization value into RevenueCat; %s.") % what_follows)
        return dialog_done(request, change_url(project))

    @action(
        description=gettext_lazy("Resume"),
        icon="play_arrow",
        permissions=["operate"],
        variant=ActionVariant.PRIMARY,
        dialog=RESUME_DIALOG,
    )
    def resume(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Lift the hold of one project."""
        project = self.known_project(request, object_id)
        self._resume(request, [project])
        return dialog_done(request, change_url(project))

    @action(description=gettext_lazy("Resume the selected projects"), permissions=["operate"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        """Lift the holds of the selected projects."""
        self._resume(request, list(queryset))

    def _resume(self, request: HttpRequest, projects: Sequence[Project]) -> None:
        held = [project for project in projects if project.held_at is not None]
        with transaction.atomic():
            for project in held:
                self.log_change(request, project, f"Resumed. It was held: {project.hold_reason}")
                project.resume()
            ring_after_commit(held)
        if held:
            names = ", ".join(f"“{project}”" for project in held)
            messages.success(request, _("Resumed %s: what waits is being sent.") % names)
        else:
            messages.info(request, _("There was nothing to resume: no project among these is held."))

    def known_project(self, request: HttpRequest, object_id: str) -> Project:
        """The project of a dialog. Raises Http404."""
        project = self.get_object(request, object_id)
        if project is None:
            raise Http404("There is no such project.")
        return project


def ring_after_commit(projects: Sequence[Project]) -> None:
    """Have these projects drained once what was written can be seen; a bell that fails is made good by the tending."""
    for project in projects:
        transaction.on_commit(_bell(project), robust=True)


def _bell(project: Project) -> Callable[[], None]:
    # A lambda, because Django names what failed by its __qualname__, and a partial has none.
    return lambda: ring(project.pk)
