"""The search fields of the log: what they say that they take, and what they ask (`integration.models.log_search`)."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integration.admin.access import may_see_payloads, visible_projects
from integration.models import Customer, Delivery, WebhookEvent
from integration.models.log_search import NEWEST_TRIES, find_customers, find_deliveries, find_events

HELP_TEXT = gettext_lazy("Any id or email, exactly as it is")
CUSTOMER_HELP_TEXT = gettext_lazy("App User ID, alias or email (exact)")


def search_events(request: HttpRequest, events: QuerySet[WebhookEvent], text: str) -> QuerySet[WebhookEvent]:
    """The events with this RevenueCat id or transaction id, of this customer, or with this email address."""
    return events.filter(find_events(text, visible_projects(request)))


def search_deliveries(request: HttpRequest, deliveries: QuerySet[Delivery], text: str) -> QuerySet[Delivery]:
    """The deliveries of such events, of customers with this id, alias or email, or of a call with this request id."""
    found = find_deliveries(text, visible_projects(request), exchanges=may_see_payloads(request))
    if found.bounded:
        messages.info(request, bounded_note())
    return deliveries.filter(found.condition)


def search_customers(customers: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """The customers with this App User ID, alias or email address."""
    return customers.filter(find_customers(text))


def bounded_note() -> str:
    """What a search for a request id has not looked through."""
    return _(
        "If this is a request id of Intercom's: those of tries that went well are looked for among the newest "
        "%(count)s tries only, those of all others everywhere."
    ) % {"count": f"{NEWEST_TRIES:,}"}
