"""Users and groups of the admin, as Django has them, on unfold's pages; and the way out for a lost telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from integration.admin.base import BaseAdmin, DialogForm, M, action, dialog_done
from integration.admin.display import NOTHING, ago, change_url, moment, two_lines
from integration.admin.project_display import Notice
from integration.models import Project, SecondFactor
from integration.sign_in.verified import signed_in, write_trail

if TYPE_CHECKING:
    _UserAdmin = DjangoUserAdmin[User]
else:
    _UserAdmin = DjangoUserAdmin


class SuperusersOnly(BaseAdmin[M]):
    """Pages for superusers: who may change users or groups could make themselves anything."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Superusers."""
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Superusers."""
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Superusers."""
        return request.user.is_superuser


KEPT = _(
    "This account cannot be deleted: the audit trail names it, and would lose what it did. To keep somebody out, "
    "switch the account off: take away “Active” below, and save."
)
REMOVE_DIALOG = {
    "title": _("Remove the second factor"),
    "description": _(
        "For somebody who has lost their telephone and their recovery codes: make sure that it is they who ask. They "
        "then sign in with the password alone, and set it up anew."
    ),
    "form_submit_text": _("Remove it"),
}


# Of the projects that somebody sees the list names so many.
MOST_NAMED = 3


class UserAdmin(_UserAdmin, SuperusersOnly[User]):
    """Who may sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("account", "roles", "member_of", "last_sign_in", "second_factor_is_on", "may_sign_in")
    actions_detail = ("remove_second_factor",)
    change_form_outer_before_template = "integration/notices.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With whether each one's second factor is on, and for the list their roles and projects."""
        factors = SecondFactor.objects.filter(user=OuterRef("pk"))
        named = Prefetch("projects", Project.objects.only("name").order_by("name"))
        rows = super().get_queryset(request).annotate(has_second_factor=Exists(factors))
        return rows.prefetch_related(Prefetch("groups", Group.objects.order_by("name")), named)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Superusers, and only who has done nothing: with a user Django deletes what the audit trail says of them."""
        return super().has_delete_permission(request, obj) and (obj is None or not _has_trail(obj.pk))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a user, which says why they cannot be deleted, and what to do instead."""
        notices = [Notice("info", str(KEPT))] if object_id.isdecimal() and _has_trail(int(object_id)) else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "notices": notices})

    # --- The list -----------------------------------------------------------------------------------------

    @admin.display(description=_("User"))
    def account(self, user: User) -> SafeString:
        """The name to sign in with; below it the person's own name and address, for whom they were entered."""
        return two_lines(user.get_username(), ", ".join(one for one in (user.get_full_name(), user.email) if one))

    @admin.display(description=_("Roles"))
    def roles(self, user: User) -> str:
        """The groups; a superuser needs none."""
        if user.is_superuser:
            return gettext("Superuser")
        return ", ".join(group.name for group in user.groups.all()) or NOTHING

    @admin.display(description=_("Projects"))
    def member_of(self, user: User) -> SafeString | str:
        """Those that the user sees, each in a line: some by name, of more how many there are."""
        if user.is_superuser:
            return gettext("All")
        names = [project.name for project in user.projects.all()]
        more = len(names) - MOST_NAMED
        lines = [*names[:MOST_NAMED], *([gettext("and %(count)s more") % {"count": more}] if more > 0 else [])]
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines)) or NOTHING

    @admin.display(description=_("Last sign-in"))
    def last_sign_in(self, user: User) -> SafeString | str:
        """How long ago, and when exactly."""
        if user.last_login is None:
            return gettext("Never")
        return two_lines(ago(user.last_login, timezone.now()), moment(user.last_login, zone=False))

    @admin.display(description=_("May sign in"), boolean=True)
    def may_sign_in(self, user: User) -> bool:
        """Whether the account is on, and is one for the admin."""
        return user.is_active and user.is_staff

    @admin.display(description=_("Second factor"), boolean=True)
    def second_factor_is_on(self, user: Any) -> bool:
        """Whether signing in takes a code."""
        return bool(user.has_second_factor)

    def has_remove_second_factor_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers."""
        return request.user.is_superuser

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """The button stands there for others whose second factor is on; switching off one's own takes a code."""
        actions = super().get_actions_detail(request, object_id)
        shown = str(request.user.pk) != str(object_id) and self._factor_of(object_id) is not None
        return [one for one in actions if shown or not one.action_name.endswith("_remove_second_factor")]

    @action(
        description=_("Remove second factor"),
        icon="phonelink_erase",
        permissions=["remove_second_factor"],
        variant=ActionVariant.DANGER,
        dialog=REMOVE_DIALOG,
    )
    def remove_second_factor(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Remove it, and write down who did."""
        by, user, factor = signed_in(request), self.get_object(request, object_id), None
        if user is not None and user != by:
            factor = self._factor_of(object_id)
        if user is None or factor is None:
            raise Http404("There is no second factor of another user to remove.")
        with transaction.atomic():
            factor.delete()
            write_trail(by, user, "Second factor removed by a superuser.")
        messages.success(request, gettext("The second factor of {user} is removed.").format(user=user))
        return dialog_done(request, change_url(user))

    def _factor_of(self, user_id: str) -> SecondFactor | None:
        return SecondFactor.objects.filter(user=int(user_id)).first() if str(user_id).isdecimal() else None


def _has_trail(user_id: int) -> bool:
    return LogEntry.objects.filter(user=user_id).exists()


class GroupAdmin(DjangoGroupAdmin, SuperusersOnly[Group]):
    """Permissions that several users share."""
