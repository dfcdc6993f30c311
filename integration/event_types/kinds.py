"""What an event type is, and what the catalogue says of each. Pure."""

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
    # From here on what RevenueCat's own integration does not send.
    UNCANCELLATION = "uncancellation"
    SUBSCRIPTION_PAUSED = "subscription_paused"
    SUBSCRIPTION_EXTENDED = "subscription_extended"
    REFUND = "refund"
    REFUND_REVERSED = "refund_reversed"
    TRANSFER = "transfer"
    TEMPORARY_ENTITLEMENT_GRANT = "temporary_entitlement_grant"
    INVOICE_ISSUANCE = "invoice_issuance"
    PRICE_INCREASE_CONSENT_REQUIRED = "price_increase_consent_required"
    PRICE_INCREASE_CONSENT_APPROVED = "price_increase_consent_approved"
    PURCHASE_REDEEMED = "purchase_redeemed"
    VIRTUAL_CURRENCY_TRANSACTION = "virtual_currency_transaction"
    EXPERIMENT_ENROLLMENT = "experiment_enrollment"
    PAYWALL_IMPRESSION = "paywall_impression"
    PAYWALL_CLOSE = "paywall_close"
    PAYWALL_CANCEL = "paywall_cancel"
    PAYWALL_EXIT_OFFER = "paywall_exit_offer"
    PAYWALL_COMPONENT_INTERACTED = "paywall_component_interacted"


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """What the app knows of one event type: how to show it, how to name it, and when it happened."""

    event_type: EventType
    label: str
    default_name: str
    description: str
    happened: Callable[[RevenueCatEvent], bool]
    # Whether it can be switched off, and whether it is sent in a new project.
    optional: bool = False
    on: bool = True
    # Whether the event tells of a subscription, so that the contact's attributes follow it.
    updates_contact: bool = True
    # Counts only where it is sent; otherwise the event is what the other rows say.
    special: bool = False
    # Metadata that other event types do not have (integration.mapping.metadata).
    metadata: tuple[str, ...] = ()
