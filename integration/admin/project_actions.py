"""What can be done with a project besides saving its settings: check the connection, rotate, resume.

Each is a dialog: opening it changes nothing, and carrying it out is a POST. What changes something writes the audit
trail; checking the connection changes nothing.
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
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from integration.admin.access import ScopedActions
from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.connection import ConnectionCheck, check_connection
from integration.admin.display import change_url, clock
from integration.admin.project_display import is_readable, overlap_until, rotation_sentence
from integration.models import Project
from integration.models.projects import AUTHORIZATION_OVERLAP
from integration.tasks import ring

LONGEST_OVERLAP_HOURS = 720
_HOUR = timedelta(hours=1)


class RotateForm(DialogForm):
    """How long the old Authorization value is still taken; says which other one is not any more."""

    form_before_template = "integration/rotate.html"
    hours = forms.IntegerField(
        label="Hours for which the old value stays valid",
        min_value=0,
        max_value=LONGEST_OVERLAP_HOURS,
        initial=int(AUTHORIZATION_OVERLAP / _HOUR),
        help_text=f"0 to {LONGEST_OVERLAP_HOURS}. Paste the new value into RevenueCat within this time.",
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


CHECK_DIALOG = {
    "title": "Check connection",
    "description": "Asks Intercom which workspace the stored access token belongs to. Nothing is changed.",
    "form_submit_text": "Check now",
}
ROTATE_DIALOG = {
    "title": "Rotate authorization",
    "description": "Makes a new Authorization value. Webhooks with the old one are taken for as long as you say here.",
    "form_class": RotateForm,
    "form_submit_text": "Make a new value",
}
RESUME_DIALOG = {
    "title": "Resume sending",
    "description": "Lifts the hold and sends what waits, oldest first. If the reason still stands, it is held again.",
    "form_submit_text": "Resume",
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

    @action(description="Check connection", icon="cable", permissions=["operate"], dialog=CHECK_DIALOG)
    def check_connection(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Say in the dialog which workspace answered, or what is wrong."""
        project = self.known_project(request, object_id)
        checked = CheckedForm(request=request, object_id=object_id)
        checked.check = check_connection(project)
        context = {"dialog": CHECK_DIALOG, "form": checked, "form_submit_text": CHECK_DIALOG["form_submit_text"]}
        return render(request, "unfold/helpers/dialog.html", context)

    @action(description="Rotate authorization", icon="key", permissions=["operate"], dialog=ROTATE_DIALOG)
    def rotate_authorization(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """A new value, while the old one stays valid for the chosen time; one before that is void at once."""
        known, now = self.known_project(request, object_id), timezone.now()
        with transaction.atomic():
            # Locked, so that what is said of the values is true also of two rotations at once; webhooks do not wait.
            project = Project.objects.select_for_update(no_key=True).get(pk=known.pk)
            # An old value that cannot be read cannot be compared either: it must not stand in the way of the new one.
            overlap = form.cleaned_data["hours"] * _HOUR if is_readable(project) else timedelta()
            what_follows = rotation_sentence(project, now, overlap)
            project.rotate_authorization(now, overlap=overlap)
            self.log_change(request, project, f"Authorization value rotated; {what_follows}.")
        messages.success(request, f"Copy the new Authorization value into RevenueCat; {what_follows}.")
        return dialog_done(request, change_url(project))

    @action(
        description="Resume",
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

    @action(description="Resume the selected projects", permissions=["operate"])
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
            messages.success(request, f"Resumed {names}: what waits is being sent.")
        else:
            messages.info(request, "There was nothing to resume: no project among these is held.")

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
