"""The discrepancies, read-only: where what is kept of a customer and what RevenueCat says were found to differ."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration.admin import filters, search
from integration.admin.access import ProjectFilter
from integration.admin.display import LONGEST_ID, NOTHING, cut, label, link_to, moment, two_lines
from integration.admin.repair import RepairActions
from integration.admin.time_range import TimeRangeFilter
from integration.models import Customer, Discrepancy


class DiscrepancyAdmin(RepairActions):
    """What comparisons have found, of all projects that somebody sees."""

    list_display = ("found", "state", "whose", "kept", "said")
    arrives_at = "found_at"
    empty_text = _("“Compare with RevenueCat”, on the page of a project, lists here what differs.")
    list_filter = (
        filters.DiscrepancyFilter,
        ("project", ProjectFilter),
        filters.StatusSaidFilter,
        ("found_at", TimeRangeFilter),
    )
    search_fields = ("customer__app_user_id",)
    search_help_text = search.CUSTOMER_HELP_TEXT
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("state", "found"),
                    ("person", "project"),
                    ("held_status", "held_end"),
                    ("said_status", "said_end"),
                    ("repaired", "gone"),
                ),
                "description": _(
                    "What was kept when it was found, and what RevenueCat said then. Repairing it asks RevenueCat "
                    "anew, takes over what it says now, and brings the contact in Intercom up to date."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Discrepancy]:
        """With the project and the customer."""
        return super().get_queryset(request).select_related("project", "customer")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and by index."""
        text = search_term.strip()
        if not text:
            return queryset, False
        return queryset.filter(customer__in=search.search_customers(Customer.objects.all(), text).values("pk")), False

    @admin.display(description=_("Found"))
    def found(self, row: Discrepancy) -> SafeString | str:
        """When it was found first."""
        return moment(row.found_at)

    @admin.display(description=_("State"))
    def state(self, row: Discrepancy) -> SafeString:
        """Whether there still is something to do."""
        if row.repaired_at:
            return label(
                gettext("Repaired"), "success", gettext("What RevenueCat said was taken over, and Intercom is told.")
            )
        if row.agreed_at:
            return label(gettext("Gone"), "default", gettext("A later comparison found no difference."))
        return label(gettext("Open"), "warning", gettext("It differed when it was compared last."))

    @admin.display(description=_("Customer, project"))
    def whose(self, row: Discrepancy) -> SafeString:
        """Customer and project for the list."""
        return two_lines(cut(row.customer.app_user_id, LONGEST_ID), str(row.project))

    @admin.display(description=_("Customer"))
    def person(self, row: Discrepancy) -> SafeString | str:
        """The customer, linked."""
        return link_to(row.customer)

    @admin.display(description=_("Kept here"))
    def kept(self, row: Discrepancy) -> SafeString:
        """Status and end, for the list."""
        return two_lines(row.held_status or NOTHING, moment(row.held_expires_at))

    @admin.display(description=_("RevenueCat says"))
    def said(self, row: Discrepancy) -> SafeString:
        """Status and end, for the list."""
        return two_lines(row.said_status or NOTHING, moment(row.said_expires_at))

    @admin.display(description=_("End kept"))
    def held_end(self, row: Discrepancy) -> SafeString | str:
        """Exactly."""
        return moment(row.held_expires_at)

    @admin.display(description=_("End in RevenueCat"))
    def said_end(self, row: Discrepancy) -> SafeString | str:
        """Exactly."""
        return moment(row.said_expires_at)

    @admin.display(description=_("Repaired"))
    def repaired(self, row: Discrepancy) -> SafeString | str:
        """When what RevenueCat said was taken over."""
        return moment(row.repaired_at)

    @admin.display(description=_("Gone by itself"))
    def gone(self, row: Discrepancy) -> SafeString | str:
        """When a comparison found no difference any more."""
        return moment(row.agreed_at)
