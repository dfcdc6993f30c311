"""The log, read-only: what was owed to Intercom, what became of it and why, with every try.

The list asks for no more rows than it shows. What can be done with what it shows is in `redeliver` and `log_tools`.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from integration.admin import delivery_filters, filters, list_cells, log_display, search
from integration.admin.access import ProjectFilter
from integration.admin.delivery_page import DeliveryPage
from integration.admin.display import NOTHING, event_label, link_to, moment, row_url, status_label
from integration.admin.log_tools import LogTools
from integration.admin.log_words import store_words
from integration.admin.redeliver import RedeliverActions
from integration.admin.time_range import TimeRangeFilter
from integration.admin.tries import TriedList
from integration.models import Customer, Delivery


class DeliveryAdmin(RedeliverActions, LogTools, DeliveryPage):
    """What is owed to Intercom, and every try."""

    list_display = ("arrived", "status_label", "short_event", "whose", "bought", "why", "trying")
    list_fullwidth = True
    empty_text = _("Each webhook that RevenueCat posts to the address on a project's page makes a delivery here.")
    arrives_at = "created_at"
    list_filter = (
        ("status", ChoicesDropdownFilter),
        delivery_filters.StateFilter,
        ("project", ProjectFilter),
        delivery_filters.EventTypeFilter,
        ("created_at", TimeRangeFilter),
        delivery_filters.ReasonFilter,
        delivery_filters.AnswerFilter,
        filters.EnvironmentFilter,
        delivery_filters.StoreFilter,
    )
    search_fields = ("app_user_id",)
    search_help_text = search.HELP_TEXT
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("status_label", "tried"),
                    "next_try",
                    ("event", "event_name"),
                    ("person", "project"),
                    ("received", "finished"),
                    ("webhook", "product"),
                    ("environment_name", "store_name"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """With the project and the event, but not the event's payload."""
        rows = super().get_queryset(request)
        return rows.select_related("project", "webhook_event").defer("webhook_event__payload")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """With the tries of the rows that are shown."""
        return TriedList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and by index."""
        text = search_term.strip()
        return (search.search_deliveries(request, queryset, text) if text else queryset), False

    @admin.display(description=_("Received"))
    def arrived(self, delivery: Delivery) -> list_cells.Cell:
        """For the list, as all that follow to the tries."""
        return list_cells.arrived(delivery, timezone.now())

    @admin.display(description=_("Event, product"))
    def short_event(self, delivery: Delivery) -> list_cells.Cell:
        """The event type, and the product."""
        return list_cells.event(delivery)

    @admin.display(description=_("Customer, project"))
    def whose(self, delivery: Delivery) -> list_cells.Cell:
        """Customer and project."""
        return list_cells.whose(delivery)

    @admin.display(description=_("Store"))
    def bought(self, delivery: Delivery) -> list_cells.Cell:
        """Where it was bought, and whether it was a test."""
        return list_cells.bought(delivery)

    @admin.display(description=_("Why"))
    def why(self, delivery: Delivery) -> list_cells.Cell:
        """The last error, or the reason."""
        return list_cells.why(delivery, timezone.now())

    @admin.display(description=_("Tries"))
    def trying(self, delivery: Delivery) -> list_cells.Cell:
        """How many, and the next one."""
        return list_cells.trying(delivery, timezone.now())

    @admin.display(description=_("Received"))
    def received(self, delivery: Delivery) -> SafeString | str:
        """When the webhook arrived."""
        return moment(delivery.created_at)

    @admin.display(description=_("Settled"))
    def finished(self, delivery: Delivery) -> SafeString | str:
        """When it was delivered, skipped or given up."""
        return moment(delivery.finished_at)

    @admin.display(description=_("Status"))
    def status_label(self, delivery: Delivery) -> SafeString:
        """As a coloured label."""
        return status_label(delivery)

    @admin.display(description=_("Event"))
    def event(self, delivery: Delivery) -> str:
        """The event type, or RevenueCat's own."""
        return event_label(delivery)

    @admin.display(description=_("Customer"))
    def person(self, delivery: Delivery) -> SafeString | str:
        """The customer, linked."""
        rows = Customer.objects.filter(project=delivery.project_id, app_user_id=delivery.app_user_id)
        customer_id = delivery.customer_id or rows.values_list("pk", flat=True).first()
        return log_display.customer_cell(delivery, row_url(Customer, customer_id) if customer_id else None)

    @admin.display(description=_("Next try"))
    def next_try(self, delivery: Delivery) -> SafeString | str:
        """When, or what it waits for."""
        return log_display.next_try(delivery, timezone.now())

    @admin.display(description=_("RevenueCat id"))
    def webhook(self, delivery: Delivery) -> SafeString | str:
        """The webhook event, linked."""
        return link_to(delivery.webhook_event, delivery.webhook_event.event_id)

    @admin.display(description=_("Product"))
    def product(self, delivery: Delivery) -> str:
        """The store's product id."""
        return delivery.webhook_event.product_id or NOTHING

    @admin.display(description=_("Environment"))
    def environment_name(self, delivery: Delivery) -> str:
        """Production or sandbox."""
        return delivery.environment.capitalize() or NOTHING

    @admin.display(description=_("Store"))
    def store_name(self, delivery: Delivery) -> str:
        """Where it was bought."""
        return store_words(delivery.store) or NOTHING
