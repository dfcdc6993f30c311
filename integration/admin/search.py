"""Finds rows by an id or an email address, exactly. Only indexed columns are asked, so it is fast at any size.

Ids are compared letter by letter, as RevenueCat and Intercom compare them.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from integration.models import Customer, Delivery, WebhookEvent

HELP_TEXT = "RevenueCat id, App User ID or email (exact)"
CUSTOMER_HELP_TEXT = "App User ID or email (exact)"
# Of one email address or id, more than these are not looked through.
MOST_MATCHES = 1_000


def search_events(events: QuerySet[WebhookEvent], text: str) -> QuerySet[WebhookEvent]:
    """The events with this RevenueCat id, of this customer, or with this email address."""
    return events.filter(Q(event_id=text) | Q(app_user_id=text) | Q(email__in=_emails(text)))


def search_deliveries(
    deliveries: QuerySet[Delivery], text: str, projects: Collection[UUID] | None
) -> QuerySet[Delivery]:
    """The deliveries of such events, and of customers with this email address; of `projects`, where they are named.

    The events are looked up first: an OR across two tables would read all of both.
    """
    events = WebhookEvent.objects.filter(Q(event_id=text) | Q(email__in=_emails(text)))
    customers = Customer.objects.filter(email__in=_emails(text))
    if projects is not None:
        events, customers = events.filter(project__in=projects), customers.filter(project__in=projects)
    return deliveries.filter(
        Q(app_user_id=text)
        | Q(webhook_event__in=list(events.values_list("pk", flat=True)[:MOST_MATCHES]))
        | Q(customer__in=list(customers.values_list("pk", flat=True)[:MOST_MATCHES]))
    )


def search_customers(customers: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """The customers with this App User ID or email address."""
    return customers.filter(Q(app_user_id=text) | Q(email__in=_emails(text)))


def _emails(text: str) -> list[str]:
    """An email address as entered, and as most systems store it."""
    return sorted({text, text.lower()})
