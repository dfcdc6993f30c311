"""The settings page: one page a project, with everything to paste into RevenueCat and from Intercom.

It writes what the form says and rings; what a setting means is decided elsewhere.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin import project_display as show
from integration.admin.access import only_visible
from integration.admin.counting import MOST_OF_A_ROW, BoundedCount, said
from integration.admin.display import change_url, link, list_url, moment
from integration.admin.give_access import AccessActions
from integration.admin.impact import ImpactBeforeSaving
from integration.admin.project_actions import ring_after_commit
from integration.admin.project_form import ProjectForm
from integration.admin.project_sections import ADDING, SECTIONS, hidden_fields, unfolded, without
from integration.admin.revenuecat_actions import RevenueCatActions
from integration.admin.send_sample import SampleActions
from integration.models import Customer, Delivery, Project, WebhookEvent
from integration.models.mapping_settings import Sandbox
from integration.retry import DeliveryStatus
from integration.stored_language import stored_language


class ProjectAdmin(ImpactBeforeSaving, SampleActions, AccessActions, RevenueCatActions):
    """Projects: the list with their states, and the settings page."""

    form = ProjectForm
    list_display = ("name", "state", "region", "sandbox_rule", "pending", "created")
    autocomplete_fields = ("members",)
    readonly_fields = ("state_sentence", "pending", "forgotten_customers", "compared")
    actions_detail = (*RevenueCatActions.actions_detail, "send_test", "give_access")
    change_form_outer_before_template = "integration/project_top.html"
    add_fieldsets = ADDING
    fieldsets = SECTIONS
    # What an empty list says.
    empty_text = gettext_lazy(
        "A project is one RevenueCat project and the Intercom workspace that is told of it. Add your first project: "
        "a name and an access token are enough to begin. Where there are projects already, a superuser makes you a "
        "member of those that you are to see."
    )

    class Media:
        js: ClassVar = (Script("integration/unsaved.js", defer=True),)

    # --- The list ----------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        """Those this person sees, with how many deliveries are pending; counted to MOST_OF_A_ROW, cheap by an index."""
        pending = Delivery.objects.filter(project=OuterRef("pk"), status=DeliveryStatus.PENDING).order_by()
        rows = only_visible(request, super().get_queryset(request).select_related("reconciliation"), "pk")
        return rows.annotate(owed=BoundedCount(pending.values("pk")[: MOST_OF_A_ROW + 1]))

    @admin.display(description=gettext_lazy("State"))
    def state(self, project: Project) -> SafeString:
        """In a word, with the reason as a tooltip."""
        return show.state_label(project, timezone.now())

    @admin.display(description=gettext_lazy("Pending"))
    def pending(self, project: Project) -> SafeString | str:
        """How many deliveries are owed, as a link to them."""
        owed: int = getattr(project, "owed", 0)
        if not owed:
            return _("Nothing")
        text = said(owed)
        filters = {"status__exact": str(DeliveryStatus.PENDING), "project__id__exact": str(project.pk)}
        return link(list_url(Delivery, **filters), text)

    @admin.display(description=gettext_lazy("Sandbox events"))
    def sandbox_rule(self, project: Project) -> str:
        """What becomes of them."""
        rules = {Sandbox.SEND: _("Sent"), Sandbox.LOG: _("Only logged"), Sandbox.OTHER: _("Handed over")}
        return rules.get(Sandbox(project.sandbox), _("Skipped"))

    @admin.display(description=gettext_lazy("Added"))
    def created(self, project: Project) -> SafeString | str:
        """When it was added."""
        return moment(project.created_at)

    # --- The page ----------------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("State"))
    def state_sentence(self, project: Project) -> str:
        """Whether it is sending, and if not, why."""
        return show.hold_sentence(project, timezone.now())

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> Any:
        """Who may only look sees no empty secret fields."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        may_change = self.has_change_permission(request, obj)
        is_superuser = bool(getattr(request.user, "is_superuser", False))
        return without(unfolded(fieldsets, obj), hidden_fields(obj, may_change=may_change, is_superuser=is_superuser))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only projects that this person sees can be chosen."""
        object_id = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        # And the one that is chosen already, or nobody else could save the page.
        present = Project.objects.filter(pk=str(object_id)) if object_id else Project.objects.none()
        chosen = Project.objects.filter(pk__in=present.values("sandbox_project"))
        kwargs.setdefault("queryset", only_visible(request, Project.objects.all(), "pk") | chosen)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The settings page, with what needs attention and the steps of setting it up on top."""
        project = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_save_and_add_another": False, "show_save_and_continue": False}
        if project is not None:
            context["notices"] = [*show.project_notices(project, timezone.now()), *self.drift_notices(project)]
            # Asked by the template: a form that is saved shows no page.
            context["setup_panel"] = partial(self.setup_panel, request, project)
        return super().change_view(request, object_id, form_url, context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The few things without which nothing can be sent; saving goes on to the whole page."""
        is_first = not self.get_queryset(request).exists()
        context = {
            "title": _("Add your first project") if is_first else _("Add a project"),
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        return super().add_view(request, form_url, {**(extra_context or {}), **context})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Every error is listed on top with a link to its field; that there are errors need not be said once more."""
        return super().render_change_form(request, {**context, "errors": None}, *args, **kwargs)

    # --- Saving --------------------------------------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Of two saves at once the second one is compared with what the first one has stored."""
        if request.method != "POST" or object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            # Nobody's key is no key.
            with suppress(ValidationError):
                Project.objects.select_for_update(no_key=True).filter(pk=object_id).values("pk").first()
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        """Write the fields that changed; another token, another region or switching on may set things going."""
        now = timezone.now()
        if not change:
            form.prepare_new(now)
            obj.save()
            if isinstance(request.user, User) and not request.user.is_superuser:
                # Or it would be gone from the sight of who made it.
                obj.members.add(request.user)
            return
        obj.save(update_fields=form.apply(now))
        form.save_event_settings()
        if form.changes_workspace:
            obj.resume()
        if form.changes_who_is_who:
            # What waits for somebody to be named is planned anew with the new settings.
            Delivery.objects.filter(project=obj).release()
        if form.changes_workspace or form.changes_who_is_who or "active" in form.changed_data:
            ring_after_commit([obj])

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What changed, for the audit trail, in the language of that; never a secret."""
        with stored_language():
            return [{"added": {}}] if add else form.audit()

    def response_add(self, request: HttpRequest, obj: Project, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the page of the new project, with the steps that are left."""
        messages.success(request, _("“%s” was added. The steps below lead through the rest.") % obj)
        return HttpResponseRedirect(change_url(obj))

    def response_change(self, request: HttpRequest, obj: Project) -> HttpResponse:
        """Stay on the page: that is where the steps say what to do next."""
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)
        messages.success(request, _("“%s” was saved.") % obj)
        return HttpResponseRedirect(change_url(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers, and only while nothing has arrived: deleting would collect every row of the log."""
        allowed = bool(getattr(request.user, "is_superuser", False))
        return allowed and (obj is None or not _has_log(obj))


def _has_log(project: Project) -> bool:
    return any(rows.objects.filter(project=project).exists() for rows in (WebhookEvent, Customer, Delivery))
