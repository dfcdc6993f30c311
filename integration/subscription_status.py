"""What an event makes of a customer's subscription, in one word. Pure."""

from __future__ import annotations

from integration.revenuecat.events import RevenueCatEvent

STATUS_OF_PERIOD = {
    "TRIAL": "trial",
    "INTRO": "intro",
    "NORMAL": "active",
    "PREPAID": "active",
}


def subscription_status(event: RevenueCatEvent) -> str | None:
    """The status that a subscription has after `event`, or None where the event does not change it.

    Values are those of RevenueCat's own attribute of this name
    (https://www.revenuecat.com/docs/integrations/third-party-integrations/intercom).
    """
    rule = _STATUS_RULES.get(event.type)
    return rule(event) if rule else None


def _after_purchase(event: RevenueCatEvent) -> str | None:
    return STATUS_OF_PERIOD.get(event.period_type or "")


def _after_refund_reversed(event: RevenueCatEvent) -> str | None:
    """The purchase counts again, so the subscription is on, unless it has ended by itself meanwhile."""
    ends_ms = event.expiration_at_ms
    return _after_purchase(event) if ends_ms is not None and ends_ms > event.event_timestamp_ms else None


def _after_cancellation(event: RevenueCatEvent) -> str | None:
    if event.period_type == "TRIAL":
        return "cancelled_trial"
    # A refunded pack of tokens, say: no subscription, so it says nothing of the one there may be.
    is_subscription = event.expiration_at_ms is not None or event.entitlement is not None
    return "cancelled" if is_subscription else None


def _after_billing_issue(event: RevenueCatEvent) -> str | None:
    if event.grace_period_expiration_at_ms is None:
        return None
    return "grace_period_trial" if event.period_type == "TRIAL" else "grace_period"


def _after_expiration(event: RevenueCatEvent) -> str | None:
    if event.expiration_reason == "SUBSCRIPTION_PAUSED":
        return "paused"
    return "expired_promotional" if event.period_type == "PROMOTIONAL" else "expired"


def _after_non_renewing_purchase(event: RevenueCatEvent) -> str | None:
    return "promotional" if event.period_type == "PROMOTIONAL" else None


_STATUS_RULES = {
    "INITIAL_PURCHASE": _after_purchase,
    "RENEWAL": _after_purchase,
    "UNCANCELLATION": _after_purchase,
    "REFUND_REVERSED": _after_refund_reversed,
    "CANCELLATION": _after_cancellation,
    "BILLING_ISSUE": _after_billing_issue,
    "EXPIRATION": _after_expiration,
    "NON_RENEWING_PURCHASE": _after_non_renewing_purchase,
}
