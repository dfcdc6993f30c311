"""What RevenueCat sent, read-only: every event once, raw, with what was owed for it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration.admin import filters, log_display, search
from integration.admin.access import ProjectFilter, may_see_payloads
from integration.admin.display import LONGEST_ID, NOTHING, breakable, cut, json_block, moment, two_lines
from integration.admin.fixture import FixtureDownload, may_download_fixture
from integration.admin.time_range import TimeRangeFilter
from integration.models import Delivery, WebhookEvent


class WebhookEventAdmin(FixtureDownload):
    """What RevenueCat sent, raw."""

    list_display = ("arrived", "short_type", "whose", "product", "environment", "repeats")
    list_fullwidth = True
    empty_text = _("Whatever RevenueCat posts to the address on a project's page is kept here, as it came.")
    arrives_at = "received_at"
    list_filter = (
        filters.WebhookTypeFilter,
        ("project", ProjectFilter),
        filters.EnvironmentFilter,
        ("received_at", TimeRangeFilter),
    )
    search_fields = ("event_id",)
    search_help_text = search.HELP_TEXT
    change_form_outer_after_template = "integration/webhook_event.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("type", "event_id"),
                    ("received", "happened"),
                    ("app_user_id", "email"),
                    ("project", "environment"),
                    ("product_id", "store"),
                    ("transaction_id", "original_transaction_id"),
                    ("repeats", "repeated"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEvent]:
        """With the project; the payload is fetched by the page of one event."""
        return super().get_queryset(request).select_related("project").defer("payload")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and by index."""
        text = search_term.strip()
        return (search.search_events(request, queryset, text) if text else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One event: its payload, and what was owed for it."""
        event = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if event:
            deliveries = Delivery.objects.filter(webhook_event=event).select_related("webhook_event")
            if may_see_payloads(request):
                context["payload"] = json_block(event.payload, gettext("What RevenueCat sent"), opened=True)
            context["fixture"] = may_download_fixture(request)
            context["deliveries"] = log_display.delivery_table(deliveries.defer("webhook_event__payload"))
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description=_("Received"))
    def arrived(self, event: WebhookEvent) -> SafeString | str:
        """The same for the list, in less room."""
        return moment(event.received_at, zone=False)

    @admin.display(description=_("Type"))
    def short_type(self, event: WebhookEvent) -> SafeString:
        """The type for the list."""
        return breakable(event.type)

    @admin.display(description=_("Customer, project"))
    def whose(self, event: WebhookEvent) -> SafeString:
        """Customer and project for the list."""
        return two_lines(cut(event.app_user_id, LONGEST_ID), str(event.project))

    @admin.display(description=_("Product"))
    def product(self, event: WebhookEvent) -> SafeString | str:
        """The store's product id for the list."""
        return breakable(event.product_id) or NOTHING

    @admin.display(description=_("Received"))
    def received(self, event: WebhookEvent) -> SafeString | str:
        """When it arrived here."""
        return moment(event.received_at)

    @admin.display(description=_("Happened"))
    def happened(self, event: WebhookEvent) -> SafeString | str:
        """When RevenueCat says it happened."""
        return moment(event.event_at)

    @admin.display(description=_("Last sent again"))
    def repeated(self, event: WebhookEvent) -> SafeString | str:
        """When RevenueCat last sent it again."""
        return moment(event.last_repeated_at)
