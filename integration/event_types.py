"""The catalogue: one row for each kind of event that Intercom can be told of.

To add one, add a row here and follow what tests/test_completeness.py says is missing. Pure: no clock,
no database, no network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from integration.revenuecat.events import RevenueCatEvent


class EventType(StrEnum):
    """A kind of data event in Intercom; not RevenueCat's webhook `type`."""

    INITIAL_PURCHASE = "initial_purchase"
    TRIAL_STARTED = "trial_started"
    TRIAL_CONVERTED = "trial_converted"
    TRIAL_CANCELLED = "trial_cancelled"
    RENEWAL = "renewal"
    CANCELLATION = "cancellation"
    NON_SUBSCRIPTION_PURCHASE = "non_subscription_purchase"
    EXPIRATION = "expiration"
    BILLING_ISSUE = "billing_issue"
    PRODUCT_CHANGE = "product_change"


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """What the app knows of one event type: how to show it, how to name it, and when it happened."""

    event_type: EventType
    label: str
    default_name: str
    description: str
    happened: Callable[[RevenueCatEvent], bool]
    optional: bool = False


def _is(webhook_type: str, *, trial: bool | None = None) -> Callable[[RevenueCatEvent], bool]:
    """Whether RevenueCat's type is this one; with `trial`, only inside or only outside a free trial."""
    return lambda event: event.type == webhook_type and trial in (None, event.period_type == "TRIAL")


def _is_renewal(*, trial_conversion: bool) -> Callable[[RevenueCatEvent], bool]:
    return lambda event: event.type == "RENEWAL" and event.is_trial_conversion is trial_conversion


# At most one row says yes to an event. Names, labels, order and which are optional are those of RevenueCat's own
# Intercom integration (https://www.revenuecat.com/docs/integrations/third-party-integrations/intercom).
CATALOGUE: tuple[CatalogueRow, ...] = (
    CatalogueRow(
        EventType.INITIAL_PURCHASE,
        "Initial Purchase",
        "rc_initial_purchase_event",
        "A new subscription has been bought.",
        _is("INITIAL_PURCHASE", trial=False),
    ),
    CatalogueRow(
        EventType.TRIAL_STARTED,
        "Trial Started",
        "rc_trial_started_event",
        "A free trial of an auto-renewing subscription has started.",
        _is("INITIAL_PURCHASE", trial=True),
    ),
    CatalogueRow(
        EventType.TRIAL_CONVERTED,
        "Trial Converted",
        "rc_trial_converted_event",
        "A free trial has become a paid subscription.",
        _is_renewal(trial_conversion=True),
    ),
    CatalogueRow(
        EventType.TRIAL_CANCELLED,
        "Trial Cancelled",
        "rc_trial_cancelled_event",
        "Renewal was turned off, or failed, during a free trial.",
        _is("CANCELLATION", trial=True),
    ),
    CatalogueRow(
        EventType.RENEWAL,
        "Renewal",
        "rc_renewal_event",
        "A subscription has renewed, or someone whose subscription had lapsed has subscribed again.",
        _is_renewal(trial_conversion=False),
    ),
    CatalogueRow(
        EventType.CANCELLATION,
        "Cancellation",
        "rc_cancellation_event",
        "A subscription or purchase was cancelled or refunded, its billing failed, or a grant was revoked.",
        _is("CANCELLATION", trial=False),
    ),
    CatalogueRow(
        EventType.NON_SUBSCRIPTION_PURCHASE,
        "Non Subscription Purchase",
        "rc_non_subscription_purchase_event",
        "Something that does not renew was bought, or an entitlement was granted.",
        _is("NON_RENEWING_PURCHASE"),
        optional=True,
    ),
    CatalogueRow(
        EventType.EXPIRATION,
        "Expiration",
        "rc_expiration_event",
        "A subscription has ended and access with it.",
        _is("EXPIRATION"),
        optional=True,
    ),
    CatalogueRow(
        EventType.BILLING_ISSUE,
        "Billing Issue",
        "rc_billing_issue_event",
        "The store could not charge the customer; the subscription has not ended yet.",
        _is("BILLING_ISSUE"),
        optional=True,
    ),
    CatalogueRow(
        EventType.PRODUCT_CHANGE,
        "Product Change",
        "rc_product_change_event",
        "The customer has changed to another product, now or at the next renewal.",
        _is("PRODUCT_CHANGE"),
        optional=True,
    ),
)

BY_TYPE: dict[EventType, CatalogueRow] = {row.event_type: row for row in CATALOGUE}


def event_type_of(event: RevenueCatEvent) -> EventType | None:
    """The event type that `event` is, or None where Intercom has no data event for it."""
    return next((row.event_type for row in CATALOGUE if row.happened(event)), None)
