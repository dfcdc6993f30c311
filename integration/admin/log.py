"""The log, read-only: what was owed to Intercom, what became of it and why, with every try.

The list asks for no more rows than it shows. The one thing that can be done here is to redeliver.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from integration.admin import filters, log_display, search
from integration.admin.access import LogAdmin, ProjectFilter, may_see_payloads, visible_projects
from integration.admin.display import (
    LONGEST_ID,
    NOTHING,
    breakable,
    cut,
    event_label,
    link_to,
    moment,
    row_url,
    status_label,
    times,
    two_lines,
)
from integration.admin.redeliver import RedeliverActions
from integration.models import Customer, Delivery
from integration.retry import DeliveryStatus

# A delivery's page shows no more tries than this, the newest ones.
MOST_ATTEMPTS = 200


class DeliveryAdmin(RedeliverActions, LogAdmin[Delivery]):
    """What is owed to Intercom, and every try."""

    list_display = ("arrived", "status_label", "short_event", "whose", "why", "trying")
    list_fullwidth = True
    arrives_at = "created_at"
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("project", ProjectFilter),
        filters.EventTypeFilter,
        filters.EnvironmentFilter,
        ("created_at", filters.TimeRangeFilter),
        filters.ReasonFilter,
    )
    search_fields = ("app_user_id",)
    search_help_text = search.HELP_TEXT
    change_form_outer_before_template = "integration/notices.html"
    change_form_outer_after_template = "integration/attempts.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("status_label", "tries"),
                    "next_try",
                    ("event", "event_name"),
                    ("person", "project"),
                    ("received", "finished"),
                    ("webhook", "product"),
                    ("environment", "store"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """With the project and the event, but not the event's payload."""
        rows = super().get_queryset(request)
        return rows.select_related("project", "webhook_event").defer("webhook_event__payload")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and by index."""
        text = search_term.strip()
        found = search.search_deliveries(queryset, text, visible_projects(request)) if text else queryset
        return found, False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One delivery: the answer in one sentence, the facts, every try."""
        delivery = self.get_object(request, object_id)
        context = {**(extra_context or {}), **(self._story(request, delivery) if delivery else {})}
        return super().change_view(request, object_id, form_url, context)

    def _story(self, request: HttpRequest, delivery: Delivery) -> dict[str, Any]:
        count = delivery.attempts.count()
        attempts = list(reversed(delivery.attempts.order_by("-id")[:MOST_ATTEMPTS]))
        sentence = log_display.delivery_sentence(delivery, attempts, timezone.now())
        older = count - len(attempts)
        may_see_code = bool(getattr(request.user, "is_superuser", False))
        return {
            "notices": [{"level": log_display.LEVELS[DeliveryStatus(delivery.status)], "text": sentence}],
            "attempts": log_display.attempt_panels(
                attempts, first=older + 1, exchanges=may_see_payloads(request), tracebacks=may_see_code
            ),
            "older_attempts": older,
        }

    @admin.display(description="Received")
    def arrived(self, delivery: Delivery) -> SafeString | str:
        """The same for the list, in less room."""
        return moment(delivery.created_at, zone=False)

    @admin.display(description="Event")
    def short_event(self, delivery: Delivery) -> SafeString:
        """The event for the list."""
        return breakable(event_label(delivery))

    @admin.display(description="Customer, project")
    def whose(self, delivery: Delivery) -> SafeString:
        """Customer and project for the list."""
        return two_lines(cut(delivery.app_user_id, LONGEST_ID), str(delivery.project))

    @admin.display(description="Tries, next try")
    def trying(self, delivery: Delivery) -> SafeString:
        """Both for the list."""
        waits = delivery.status == DeliveryStatus.PENDING
        following = log_display.next_try(delivery, timezone.now()) if waits else ""
        return two_lines(times(delivery.tries, "try", "tries"), following)

    @admin.display(description="Received")
    def received(self, delivery: Delivery) -> SafeString | str:
        """When the webhook arrived."""
        return moment(delivery.created_at)

    @admin.display(description="Settled")
    def finished(self, delivery: Delivery) -> SafeString | str:
        """When it was delivered, skipped or given up."""
        return moment(delivery.finished_at)

    @admin.display(description="Status")
    def status_label(self, delivery: Delivery) -> SafeString:
        """As a coloured label."""
        return status_label(delivery)

    @admin.display(description="Event")
    def event(self, delivery: Delivery) -> str:
        """The event type, or RevenueCat's own."""
        return event_label(delivery)

    @admin.display(description="Customer")
    def person(self, delivery: Delivery) -> SafeString | str:
        """The customer, linked."""
        rows = Customer.objects.filter(project=delivery.project_id, app_user_id=delivery.app_user_id)
        customer_id = delivery.customer_id or rows.values_list("pk", flat=True).first()
        return log_display.customer_cell(delivery, row_url(Customer, customer_id) if customer_id else None)

    @admin.display(description="Next try")
    def next_try(self, delivery: Delivery) -> SafeString | str:
        """When, or what it waits for."""
        return log_display.next_try(delivery, timezone.now())

    @admin.display(description="Why")
    def why(self, delivery: Delivery) -> SafeString | str:
        """The last error, or the reason."""
        waits_for = delivery.project.why_not_sending(timezone.now()) if delivery.due_at else None
        return cut(waits_for or delivery.explanation)

    @admin.display(description="RevenueCat id")
    def webhook(self, delivery: Delivery) -> SafeString | str:
        """The webhook event, linked."""
        return link_to(delivery.webhook_event, delivery.webhook_event.event_id)

    @admin.display(description="Product")
    def product(self, delivery: Delivery) -> str:
        """The store's product id."""
        return delivery.webhook_event.product_id or NOTHING

    @admin.display(description="Environment")
    def environment(self, delivery: Delivery) -> str:
        """Production or sandbox."""
        return delivery.environment.capitalize() or NOTHING

    @admin.display(description="Store")
    def store(self, delivery: Delivery) -> str:
        """Where it was bought."""
        return delivery.webhook_event.store or NOTHING
