"""The customers, read-only: what is known of each, and their newest deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from integration.admin import log_display, search
from integration.admin.access import LogAdmin, ProjectFilter
from integration.admin.display import NOTHING, moment, times, unbroken_id
from integration.admin.forget import ForgetActions
from integration.mapping.money import NO_TOTALS
from integration.models import Customer, Delivery

# The page shows no more than this; the rest is found in the list of deliveries.
MOST_DELIVERIES = 50


class CustomerAdmin(ForgetActions, LogAdmin[Customer]):
    """The customers of all projects, and what Intercom knows of them."""

    list_display = ("shown_id", "email", "project", "status", "contact_id", "last_event")
    list_filter = (("project", ProjectFilter),)
    search_fields = ("app_user_id",)
    search_help_text = search.CUSTOMER_HELP_TEXT
    change_form_outer_after_template = "integration/customer.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "person",
                    ("email", "project"),
                    ("last_event", "contact"),
                    ("last_told", "money"),
                    "other_ids",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """With the project."""
        return super().get_queryset(request).select_related("project")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Exact, and by index."""
        text = search_term.strip()
        return (search.search_customers(queryset, text) if text else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One customer: what is known, and the newest deliveries."""
        customer = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if customer:
            # By id too and not by the link alone, which only what was sent has: skipped ones belong here as well.
            theirs = Q(app_user_id=customer.app_user_id) | Q(customer=customer)
            of_them = Delivery.objects.filter(theirs, project=customer.project)
            newest = of_them.select_related("webhook_event").defer("webhook_event__payload")
            context["attributes"] = log_display.state_table(customer)
            context["deliveries"] = log_display.delivery_table(newest.order_by("-id")[:MOST_DELIVERIES])
            context["most_deliveries"] = MOST_DELIVERIES
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description="App User ID")
    def person(self, customer: Customer) -> SafeString:
        """In whole, and broken rather than run into what stands beside it."""
        return unbroken_id(str(customer))

    @admin.display(description="App User ID")
    def shown_id(self, customer: Customer) -> str:
        """For the list."""
        return str(customer)

    @admin.display(description="Running totals")
    def money(self, customer: Customer) -> str:
        """Where the project keeps them, or did."""
        totals = customer.totals
        if totals == NO_TOTALS:
            return NOTHING
        paid, refunds = times(totals.purchases, "purchase"), times(totals.refunds, "refund")
        return f"{totals.attributes()['rc_lifetime_revenue_usd']:,.2f} USD, {paid}, {refunds}"

    @admin.display(description="Subscription")
    def status(self, customer: Customer) -> str:
        """The subscription status as far as it is known."""
        return log_display.subscription_status(customer)

    @admin.display(description="Last event")
    def last_event(self, customer: Customer) -> SafeString | str:
        """When the newest event happened."""
        return log_display.at_ms(customer.last_event_at_ms)

    @admin.display(description="Contact in Intercom")
    def contact(self, customer: Customer) -> str:
        """Intercom's own id of the contact."""
        merged = " (merged into this one)" if customer.contact_merged else ""
        return f"{customer.contact_id}{merged}" if customer.contact_id else "Not known yet"

    @admin.display(description="Last told")
    def last_told(self, customer: Customer) -> SafeString | str:
        """When Intercom was last told something."""
        return moment(customer.told_at)

    @admin.display(description="Other ids")
    def other_ids(self, customer: Customer) -> str:
        """The aliases that RevenueCat named."""
        return ", ".join(str(alias) for alias in customer.aliases if alias != customer.app_user_id) or NOTHING
