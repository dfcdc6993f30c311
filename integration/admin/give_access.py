"""Give access: lets somebody see a project, in one go: the account, the right to sign in, the role, the membership.

For superusers, who may do each of these on its own page too.
"""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from integration.admin.base import DialogForm, action, dialog_done
from integration.admin.display import change_url, copy_field
from integration.admin.project_actions import ProjectActions
from integration.models import Project
from integration.sign_in.verified import signed_in, write_trail


def least_role() -> int | None:
    """The role that may do least."""
    return Group.objects.filter(name="Viewer").values_list("pk", flat=True).first()


class AccessForm(DialogForm):
    """Whom, and as what."""

    username = forms.CharField(
        label=gettext_lazy("Name to sign in with"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Of somebody who has an account, or for a new one, which then gets a password."),
    )
    role = forms.ModelChoiceField(
        label=gettext_lazy("Role"),
        queryset=Group.objects.order_by("name"),
        empty_label=None,
        # The one that may do least; a mistake then gives nothing away.
        initial=least_role,
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy(
            "Viewer reads the log without payloads; Support reads all of it and redelivers; Integration admin also "
            "changes projects. A role holds in every project that somebody is a member of."
        ),
    )

    def clean_username(self) -> str:
        """Not somebody who may not sign in any more."""
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username=name, is_active=False).exists():
            raise forms.ValidationError(_("This account is switched off. Switch it on under Users first."))
        return name


class GivenForm(DialogForm):
    """The dialog again, with the password of a new account in it, shown this once."""

    form_before_template = "integration/access_given.html"
    given: dict[str, Any]

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """Whose, and the password."""
        return self.given


ACCESS_DIALOG: dict[str, Any] = {
    "title": gettext_lazy("Give access"),
    "description": gettext_lazy("Somebody then sees this project and its log, and does there what the role allows."),
    "form_class": AccessForm,
    "form_submit_text": gettext_lazy("Give access"),
}
GIVEN_DIALOG: dict[str, Any] = {"title": gettext_lazy("Access is given"), "form_class": GivenForm}


class AccessActions(ProjectActions):
    """The button of a project's page."""

    def has_give_access_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers: who may make accounts and give roles could make themselves anything."""
        return request.user.is_superuser

    @action(
        description=gettext_lazy("Give access"), icon="person_add", permissions=["give_access"], dialog=ACCESS_DIALOG
    )
    def give_access(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Make what is missing; the password of a new account is shown in the dialog and kept nowhere."""
        project = self.known_project(request, object_id)
        name, role, password = form.cleaned_data["username"], form.cleaned_data["role"], ""
        with transaction.atomic():
            user = User.objects.filter(username=name).first()
            if user is None:
                password = secrets.token_urlsafe(12)
                user = User.objects.create_user(name, password=password)
            self._let_in(request, project, user, role)
        if not password:
            messages.success(request, _("%(name)s sees this project now, as %(role)s.") % {"name": name, "role": role})
            return dialog_done(request, change_url(project))
        given = GivenForm(request=request, object_id=object_id)
        given.given = {"name": name, "role": role, "password": copy_field(password, _("the password"))}
        context = {"dialog": GIVEN_DIALOG, "form": given, "url": change_url(project)}
        response = render(request, "integration/given_dialog.html", context)
        # In place of the whole dialog: its button would do the same again.
        response.headers["HX-Retarget"] = response.headers["HX-Reselect"] = "#dialog"
        return response

    def _let_in(self, request: HttpRequest, project: Project, user: User, role: Group) -> None:
        if not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        user.groups.add(role)
        project.members.add(user)
        write_trail(signed_in(request), user, f"Access given to the project “{project}”, with the role {role}.")
        self.log_change(request, project, f"Access given to {user}, with the role {role}.")
