"""The settings page: one page a project, with everything to paste into RevenueCat and from Intercom.

It writes what the form says and rings; what a setting means is decided elsewhere.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString

from integration.admin import project_display as show
from integration.admin.access import only_visible
from integration.admin.counting import MOST_WAITING, BoundedCount, said
from integration.admin.display import change_url, copy_field, link, list_url, moment
from integration.admin.project_actions import ring_after_commit
from integration.admin.project_form import (
    API_KEY,
    CLEAR_API_KEY,
    CLEAR_SIGNING,
    EVENT_FIELDS,
    MORE_EVENT_FIELDS,
    SIGNING,
    TOKEN,
    ProjectForm,
)
from integration.admin.revenuecat_actions import RevenueCatActions
from integration.models import Customer, Delivery, Project, WebhookEvent
from integration.models.mapping_settings import Sandbox
from integration.retry import DeliveryStatus


class ProjectAdmin(RevenueCatActions):
    """Projects: the list with their states, and the settings page."""

    form = ProjectForm
    list_display = ("name", "state", "region", "sandbox_rule", "waiting", "created")
    autocomplete_fields = ("members",)
    readonly_fields = (
        "webhook_url_field",
        "authorization_field",
        "state_sentence",
        "waiting",
        "forgotten_customers",
        "compared",
    )
    change_form_outer_before_template = "integration/notices.html"
    add_fieldsets = (
        (
            None,
            {
                "fields": ("name", TOKEN, "region", "sandbox"),
                "description": "After saving you get the webhook URL and the Authorization value for RevenueCat.",
            },
        ),
    )
    fieldsets = (
        (None, {"fields": ("name",)}),
        (
            "Webhook (paste into RevenueCat)",
            {
                "fields": ("webhook_url_field", "authorization_field", SIGNING, CLEAR_SIGNING),
                "description": "In RevenueCat: your project, Integrations, Webhooks, Add new configuration.",
            },
        ),
        (
            "Intercom",
            {"fields": (TOKEN, "region", "sandbox", "sandbox_project", "missing_contact", "identity", "anonymous")},
        ),
        (
            "Events",
            {
                "fields": EVENT_FIELDS,
                "description": "The name under which Intercom is told of each event. Leave it blank for the default.",
            },
        ),
        (
            "More events",
            {
                "fields": (*MORE_EVENT_FIELDS, "custom_types"),
                "description": "RevenueCat's own integration does not send these. Each is off until you switch it on.",
            },
        ),
        ("Money", {"fields": ("money", "money_currency", "lifetime_totals")}),
        ("What data events say", {"fields": ("metadata_keys", "product_names")}),
        (
            "What contacts keep",
            {
                "fields": (
                    "contact_facts",
                    "attribute_prefix",
                    "subscriber_attributes",
                    "email_rule",
                    "name_rule",
                    "phone_rule",
                )
            },
        ),
        ("RevenueCat", {"fields": ("revenuecat_project", API_KEY, CLEAR_API_KEY, "reconcile_nightly", "compared")}),
        ("State", {"fields": ("active", "state_sentence", "waiting")}),
        (
            "Privacy",
            {
                "fields": ("keep_successes_days", "keep_failures_days", "forgotten_customers"),
                "description": "How long the log is kept. What is pending is always kept.",
            },
        ),
        ("Access", {"fields": ("members",)}),
    )

    # --- The list ----------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        """Those this person sees, with how many deliveries wait; counted to MOST_WAITING, cheap by an index."""
        waiting = Delivery.objects.filter(project=OuterRef("pk"), status=DeliveryStatus.PENDING).order_by()
        rows = only_visible(request, super().get_queryset(request).select_related("reconciliation"), "pk")
        return rows.annotate(owed=BoundedCount(waiting.values("pk")[: MOST_WAITING + 1]))

    @admin.display(description="State")
    def state(self, project: Project) -> SafeString:
        """In a word, with the reason as a tooltip."""
        return show.state_label(project, timezone.now())

    @admin.display(description="Waiting")
    def waiting(self, project: Project) -> SafeString | str:
        """How many deliveries are owed, as a link to them."""
        owed: int = getattr(project, "owed", 0)
        if not owed:
            return "Nothing"
        text = said(owed)
        filters = {"status__exact": str(DeliveryStatus.PENDING), "project__id__exact": str(project.pk)}
        return link(list_url(Delivery, **filters), text)

    @admin.display(description="Sandbox events")
    def sandbox_rule(self, project: Project) -> str:
        """What becomes of them."""
        said = {Sandbox.SEND: "Sent", Sandbox.LOG: "Only logged", Sandbox.OTHER: "Handed over"}
        return said.get(Sandbox(project.sandbox), "Skipped")

    @admin.display(description="Added")
    def created(self, project: Project) -> SafeString | str:
        """When it was added."""
        return moment(project.created_at)

    # --- The page ----------------------------------------------------------------------------------------

    @admin.display(description="Webhook URL")
    def webhook_url_field(self, project: Project) -> SafeString:
        """To be copied."""
        return copy_field(project.webhook_url, "the webhook URL")

    @admin.display(description="Authorization header value")
    def authorization_field(self, project: Project) -> SafeString | str:
        """In clear, because it must be copied."""
        return show.authorization_field(project, timezone.now())

    @admin.display(description="State")
    def state_sentence(self, project: Project) -> str:
        """Whether it is sending, and if not, why."""
        return show.hold_sentence(project, timezone.now())

    @admin.display(description="Last compared")
    def compared(self, project: Project) -> str:
        """What came of the newest comparison with RevenueCat."""
        return show.comparison_sentence(project, timezone.now())

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> Any:
        """Who may only look sees no Authorization value and no empty secret fields."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        hidden = set() if obj.signing_secret else {CLEAR_SIGNING}
        hidden |= set() if obj.revenuecat_api_key else {CLEAR_API_KEY}
        if not self.has_change_permission(request, obj):
            hidden |= {TOKEN, SIGNING, CLEAR_SIGNING, API_KEY, CLEAR_API_KEY, "authorization_field"}
            hidden |= {*EVENT_FIELDS, *MORE_EVENT_FIELDS}
        if not request.user.is_superuser:
            # Who sees what is decided by those who also make users and give them roles.
            hidden.add("members")
        return [
            (title, {**options, "fields": shown})
            for title, options in fieldsets
            if (shown := [line for line in options["fields"] if line not in hidden])
        ]

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
        """The settings page, with what needs attention on top."""
        project = self.get_object(request, object_id)
        notices = show.project_notices(project, timezone.now()) if project else []
        context = {**(extra_context or {}), "notices": notices, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The few things without which nothing can be sent; saving goes on to the whole page."""
        context = {"title": "Add a project", "show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **context})

    # --- Saving --------------------------------------------------------------------------------------------

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
        """What changed, for the audit trail; never a secret."""
        return [{"added": {}}] if add else form.audit()

    def response_add(self, request: HttpRequest, obj: Project, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the page of the new project: the rest of the settings, and what to paste into RevenueCat."""
        messages.success(
            request, f"“{obj}” was added. Now copy the webhook URL and the Authorization value into RevenueCat."
        )
        return HttpResponseRedirect(change_url(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers, and only while nothing has arrived: deleting would collect every row of the log."""
        allowed = bool(getattr(request.user, "is_superuser", False))
        return allowed and (obj is None or not _has_log(obj))


def _has_log(project: Project) -> bool:
    return any(rows.objects.filter(project=project).exists() for rows in (WebhookEvent, Customer, Delivery))
