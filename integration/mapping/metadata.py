"""What a data event says beside its name and time: flat, without nulls, at most ten keys. Pure.

Without a choice of the project's own these are the keys of RevenueCat's integration, in its order, then those that only
this event type has. With one, exactly the chosen ones in the chosen order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from integration.event_types import CatalogueRow
from integration.intercom.messages import MOST_METADATA_KEYS, MetadataValue, shortened
from integration.mapping.attributes import profile_link
from integration.mapping.money import Money
from integration.mapping.policy import ProjectPolicy
from integration.revenuecat.events import RevenueCatEvent

Reader = Callable[[RevenueCatEvent], MetadataValue | None]


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000


def _listed(values: tuple[str, ...]) -> str | None:
    return ", ".join(values) or None


# The keys that have a name of their own here; every other field of an event goes by RevenueCat's name for it.
READERS: Mapping[str, Reader] = {
    "product_identifier": lambda event: event.product_id,
    "entitlement": lambda event: event.entitlement,
    "store": lambda event: event.store,
    "expires_at": lambda event: _seconds(event.expiration_at_ms),
    "environment": lambda event: event.environment.lower() if event.environment else None,
    "app_id": lambda event: event.app_id,
    "cancellation_reason": lambda event: event.cancel_reason,
    "expiration_reason": lambda event: event.expiration_reason,
    "new_product_identifier": lambda event: event.new_product_id,
    "auto_resumes_at": lambda event: _ms_field(event, "auto_resume_at_ms"),
    "entitlements": lambda event: _listed(event.entitlements),
    "transferred_from": lambda event: _listed(event.transferred_from),
    "transferred_to": lambda event: _listed(event.transferred_to),
    "redeemed_from": lambda event: _listed(event.redeemed_from),
    "redeemed_by": lambda event: _listed(event.redeemed_by),
    "currency_code": lambda event: event.currency_code,
    "currency_amount": lambda event: event.currency_amount,
    "email": lambda event: event.email,
    "event_id": lambda event: event.id or None,
    # Intercom shows what ends in `_date` as a date.
    "expires_date": lambda event: _seconds(event.expiration_at_ms),
    "purchased_date": lambda event: _seconds(event.purchased_at_ms),
    "grace_period_expires_date": lambda event: _seconds(event.grace_period_expiration_at_ms),
    "auto_resume_date": lambda event: _ms_field(event, "auto_resume_at_ms"),
    "happened_date": lambda event: _seconds(event.event_timestamp_ms),
}
# Those that need more than the event.
PRODUCT_NAME, ENTITLEMENT_NAME, PROFILE = "product_name", "entitlement_name", "revenuecat_profile"
REVENUE, REFUND, NET_REVENUE = "revenue", "refund", "net_revenue"
USUAL = ("product_identifier", "entitlement", "store", "expires_at", "environment", "app_id")
# Fields that go by RevenueCat's name for them
# (https://www.revenuecat.com/docs/integrations/webhooks/event-types-and-fields).
BY_REVENUECATS_NAME = (
    "country_code", "currency", "offer_code", "presented_offering_id", "offering_id", "period_type", "price",
    "price_in_purchased_currency", "renewal_number", "transaction_id", "original_transaction_id",
    "original_app_user_id", "is_family_share", "is_trial_conversion", "quantity", "tax_percentage",
    "commission_percentage", "discount_identifier", "discount_percentage", "discount_amount", "price_id",
    "experiment_id", "experiment_variant", "source", "product_display_name", "virtual_currency_transaction_id",
    "redemption_outcome", "redemption_platform", "workflow_id", "workflow_step_id", "trace_id", "paywall_id",
    "paywall_name", "session_id", "platform", "locale", "display_mode", "component_type", "component_name",
    "component_value", "current_product_id", "resulting_product_id", "exit_offer_offering_id",
)  # fmt: skip
# All that can be chosen, beside subscriber attributes as `attribute_<name>`.
OFFERED = (
    *READERS, PRODUCT_NAME, ENTITLEMENT_NAME, PROFILE, REVENUE, REFUND, NET_REVENUE, *BY_REVENUECATS_NAME,
)  # fmt: skip
ATTRIBUTE_PREFIX = "attribute_"


def metadata(
    event: RevenueCatEvent, row: CatalogueRow | None, policy: ProjectPolicy, money: Money | None
) -> dict[str, MetadataValue]:
    """The metadata of the data event; keys for which the event has no value are left out."""
    earned = _money(money)
    chosen = policy.metadata or (*USUAL, *(row.metadata if row else ()), *_usual_money(money))
    values = {key: earned[key] if key in earned else _value(key, event, policy) for key in chosen}
    known = {key: _fitting(value) for key, value in values.items() if value is not None}
    return dict(list(known.items())[:MOST_METADATA_KEYS])


def _value(key: str, event: RevenueCatEvent, policy: ProjectPolicy) -> MetadataValue | None:
    if key in READERS:
        return READERS[key](event)
    if key == PRODUCT_NAME:
        return policy.product_names.get(event.product_id or "") or event.product_id
    if key == ENTITLEMENT_NAME:
        return policy.product_names.get(event.entitlement or "") or event.entitlement
    if key == PROFILE:
        link = profile_link(policy.revenuecat_project, event.app_user_id or "")
        return {"url": link, "value": event.app_user_id or ""} if link else None
    if key.startswith(ATTRIBUTE_PREFIX):
        return event.subscriber_attributes.get(key.removeprefix(ATTRIBUTE_PREFIX))
    return _plain(event, key)


def _plain(event: RevenueCatEvent, key: str) -> MetadataValue | None:
    """A field by RevenueCat's own name; a yes or no becomes a word, because Intercom knows none."""
    value = event.said(key)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _ms_field(event: RevenueCatEvent, name: str) -> int | None:
    value = event.said(name)
    return int(value) // 1000 if isinstance(value, int | float) and not isinstance(value, bool) else None


def _usual_money(money: Money | None) -> tuple[str, ...]:
    if money is None:
        return ()
    return (REFUND, NET_REVENUE) if money.amount < 0 else (REVENUE,)


def _money(money: Money | None) -> dict[str, MetadataValue]:
    """Revenue in Intercom's monetary type, which is documented for positive amounts only
    (https://developers.intercom.com/docs/references/rest-api/api.intercom.io/data-events): what was given back has a
    key of its own, and the signed amount, in major units, is a plain number, which may be negative.
    """
    if money is None:
        return {}
    amount: MetadataValue = {"amount": abs(money).minor_units, "currency": money.currency.lower()}
    return {REFUND if money.amount < 0 else REVENUE: amount, NET_REVENUE: float(money.rounded)}


def _fitting(value: MetadataValue) -> MetadataValue:
    if isinstance(value, str):
        return shortened(value)
    return {name: _short(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def _short(value: str | int) -> str | int:
    return shortened(value) if isinstance(value, str) else value
