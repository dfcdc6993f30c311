"""The catalogue: one row for each kind of event that Intercom can be told of.

To add one, add a row here and follow what tests/test_completeness.py says is missing. Pure: no clock,
no database, no network.
"""

from __future__ import annotations

from collections.abc import Callable

from integration.event_types.kinds import CatalogueRow, EventType
from integration.marked import gettext_noop as _
from integration.revenuecat.events import RevenueCatEvent


def _is(webhook_type: str, *, trial: bool | None = None) -> Callable[[RevenueCatEvent], bool]:
    """Whether RevenueCat's type is this one; with `trial`, only inside or only outside a free trial."""
    return lambda event: event.type == webhook_type and trial in (None, event.period_type == "TRIAL")


def _is_renewal(*, trial_conversion: bool) -> Callable[[RevenueCatEvent], bool]:
    return lambda event: event.type == "RENEWAL" and event.is_trial_conversion is trial_conversion


# Names, labels, order and which are optional are those of RevenueCat's own Intercom integration
# (https://www.revenuecat.com/docs/integrations/third-party-integrations/intercom).
_AS_REVENUECAT: tuple[CatalogueRow, ...] = (
    CatalogueRow(
        EventType.INITIAL_PURCHASE,
        _("Initial Purchase"),
        "rc_initial_purchase_event",
        _("A new subscription has been bought."),
        _is("INITIAL_PURCHASE", trial=False),
    ),
    CatalogueRow(
        EventType.TRIAL_STARTED,
        _("Trial Started"),
        "rc_trial_started_event",
        _("A free trial of an auto-renewing subscription has started."),
        _is("INITIAL_PURCHASE", trial=True),
    ),
    CatalogueRow(
        EventType.TRIAL_CONVERTED,
        _("Trial Converted"),
        "rc_trial_converted_event",
        _("A free trial has become a paid subscription."),
        _is_renewal(trial_conversion=True),
    ),
    CatalogueRow(
        EventType.TRIAL_CANCELLED,
        _("Trial Cancelled"),
        "rc_trial_cancelled_event",
        _("Renewal was turned off, or failed, during a free trial."),
        _is("CANCELLATION", trial=True),
        metadata=("cancellation_reason",),
    ),
    CatalogueRow(
        EventType.RENEWAL,
        _("Renewal"),
        "rc_renewal_event",
        _("A subscription has renewed, or someone whose subscription had lapsed has subscribed again."),
        _is_renewal(trial_conversion=False),
    ),
    CatalogueRow(
        EventType.CANCELLATION,
        _("Cancellation"),
        "rc_cancellation_event",
        _("A subscription or purchase was cancelled or refunded, its billing failed, or a grant was revoked."),
        _is("CANCELLATION", trial=False),
        metadata=("cancellation_reason",),
    ),
    CatalogueRow(
        EventType.NON_SUBSCRIPTION_PURCHASE,
        _("Non Subscription Purchase"),
        "rc_non_subscription_purchase_event",
        _("Something that does not renew was bought, or an entitlement was granted."),
        _is("NON_RENEWING_PURCHASE"),
        optional=True,
    ),
    CatalogueRow(
        EventType.EXPIRATION,
        _("Expiration"),
        "rc_expiration_event",
        _("A subscription has ended and access with it."),
        _is("EXPIRATION"),
        optional=True,
        metadata=("expiration_reason",),
    ),
    CatalogueRow(
        EventType.BILLING_ISSUE,
        _("Billing Issue"),
        "rc_billing_issue_event",
        _("The store could not charge the customer; the subscription has not ended yet."),
        _is("BILLING_ISSUE"),
        optional=True,
    ),
    CatalogueRow(
        EventType.PRODUCT_CHANGE,
        _("Product Change"),
        "rc_product_change_event",
        _("The customer has changed to another product, now or at the next renewal."),
        _is("PRODUCT_CHANGE"),
        optional=True,
        metadata=("new_product_identifier",),
    ),
)


def _more(
    event_type: EventType,
    label: str,
    description: str,
    metadata: tuple[str, ...] = (),
    *,
    happened: Callable[[RevenueCatEvent], bool] | None = None,
    updates_contact: bool = False,
    special: bool = False,
) -> CatalogueRow:
    """A row of what RevenueCat's own integration does not send: off until somebody switches it on."""
    return CatalogueRow(
        event_type,
        label,
        f"rc_{event_type}_event",
        description,
        happened or _is(event_type.upper()),
        optional=True,
        on=False,
        updates_contact=updates_contact,
        special=special,
        metadata=metadata,
    )


_PAYWALL = ("paywall_id", "paywall_name", "offering_id")

_MORE: tuple[CatalogueRow, ...] = (
    _more(
        EventType.UNCANCELLATION,
        _("Uncancellation"),
        _("A cancelled subscription that had not ended yet was taken up again."),
        updates_contact=True,
    ),
    _more(
        EventType.SUBSCRIPTION_PAUSED,
        _("Subscription Paused"),
        _("A subscription will pause when its current period ends. Access lasts until then."),
        ("auto_resumes_at",),
        updates_contact=True,
    ),
    _more(
        EventType.SUBSCRIPTION_EXTENDED,
        _("Subscription Extended"),
        _("The end of the current period was moved to a later time."),
        updates_contact=True,
    ),
    _more(
        EventType.REFUND,
        _("Refund"),
        _("Money was given back. While this is off, a refund is told as a cancellation."),
        ("cancellation_reason",),
        happened=lambda event: event.is_refund,
        updates_contact=True,
        special=True,
    ),
    _more(
        EventType.REFUND_REVERSED,
        _("Refund Reversed"),
        _("A refund was taken back: the purchase counts again."),
        updates_contact=True,
    ),
    _more(
        EventType.TRANSFER,
        _("Transfer"),
        _("Purchases have moved from one customer to another. Both are told of it."),
        ("transferred_from", "transferred_to"),
    ),
    _more(
        EventType.TEMPORARY_ENTITLEMENT_GRANT,
        _("Temporary Entitlement Grant"),
        _("The store could not confirm a purchase yet; access was given for at most a day."),
        updates_contact=True,
    ),
    _more(EventType.INVOICE_ISSUANCE, _("Invoice Issuance"), _("A new invoice was issued that is not paid yet.")),
    _more(
        EventType.PRICE_INCREASE_CONSENT_REQUIRED,
        _("Price Increase Consent Required"),
        _("The store asks the customer to agree to a higher price."),
    ),
    _more(
        EventType.PRICE_INCREASE_CONSENT_APPROVED,
        _("Price Increase Consent Approved"),
        _("The customer has agreed to a higher price."),
    ),
    _more(
        EventType.PURCHASE_REDEEMED,
        _("Purchase Redeemed"),
        _("A purchase on the web was redeemed in the app."),
        ("redemption_outcome", "redemption_platform", "redeemed_from", "redeemed_by"),
    ),
    _more(
        EventType.VIRTUAL_CURRENCY_TRANSACTION,
        _("Virtual Currency Transaction"),
        _("The balance of a virtual currency has changed."),
        ("currency_code", "currency_amount", "source", "product_display_name"),
    ),
    _more(
        EventType.EXPERIMENT_ENROLLMENT,
        _("Experiment Enrollment"),
        _("The customer was enrolled in an experiment."),
        ("experiment_id", "experiment_variant", "offering_id"),
    ),
    _more(EventType.PAYWALL_IMPRESSION, _("Paywall Impression"), _("A paywall was shown."), _PAYWALL),
    _more(EventType.PAYWALL_CLOSE, _("Paywall Close"), _("A paywall was closed."), _PAYWALL),
    _more(
        EventType.PAYWALL_CANCEL, _("Paywall Cancel"), _("A purchase was begun on a paywall and cancelled."), _PAYWALL
    ),
    _more(
        EventType.PAYWALL_EXIT_OFFER,
        _("Paywall Exit Offer"),
        _("Whoever was about to leave a paywall was shown another offer."),
        (*_PAYWALL, "exit_offer_offering_id"),
    ),
    _more(
        EventType.PAYWALL_COMPONENT_INTERACTED,
        _("Paywall Component Interacted"),
        _("A part of a paywall was used."),
        (*_PAYWALL, "component_type", "component_name", "component_value"),
    ),
)

CATALOGUE: tuple[CatalogueRow, ...] = (*_AS_REVENUECAT, *_MORE)
BY_TYPE: dict[EventType, CatalogueRow] = {row.event_type: row for row in CATALOGUE}
# At most one of the rows that are not special says yes to an event.
_IN_ORDER = sorted(CATALOGUE, key=lambda row: not row.special)


def event_type_of(event: RevenueCatEvent, sends: Callable[[CatalogueRow], bool]) -> EventType | None:
    """The event type that `event` is where `sends` says which are sent, or None where there is none for it."""
    for row in _IN_ORDER:
        if row.happened(event) and (not row.special or sends(row)):
            return row.event_type
    return None
