"""Turns what RevenueCat sent into a typed value, forgivingly: any JSON object gives a RevenueCatEvent.

RevenueCat adds fields and types without a version bump and may leave out optional ones
(https://www.revenuecat.com/docs/integrations/webhooks/event-types-and-fields), so what cannot be used is
left out and never an error. This is the last place where a value has type Any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integration.revenuecat import fields
from integration.revenuecat.fields import Scalar

ANONYMOUS_PREFIX = "$RCAnonymousID:"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueCatEvent:
    """One webhook's `event`, in RevenueCat's words. Times are unix milliseconds, None means "not said"."""

    id: str
    type: str
    event_timestamp_ms: int
    app_user_id: str | None = None
    app_id: str | None = None
    product_id: str | None = None
    new_product_id: str | None = None
    # RevenueCat's PeriodType: TRIAL, INTRO, NORMAL, PROMOTIONAL, PREPAID; a later one arrives as it is.
    period_type: str | None = None
    store: str | None = None
    # PRODUCTION or SANDBOX.
    environment: str | None = None
    entitlement: str | None = None
    expiration_at_ms: int | None = None
    # True where RevenueCat said "no end" in so many words (a null), False where it said nothing.
    never_expires: bool = False
    grace_period_expiration_at_ms: int | None = None
    is_trial_conversion: bool = False
    cancel_reason: str | None = None
    expiration_reason: str | None = None
    email: str | None = None
    aliases: tuple[str, ...] = ()
    original_app_user_id: str | None = None
    entitlements: tuple[str, ...] = ()
    purchased_at_ms: int | None = None
    # `price` in US dollars, the other one in `currency`; negative for a refund, zero for a trial.
    price: Decimal | None = None
    price_in_purchased_currency: Decimal | None = None
    currency: str | None = None
    # Shares between 0 and 1.
    tax_percentage: Decimal | None = None
    commission_percentage: Decimal | None = None
    renewal_number: int | None = None
    # Of TRANSFER, which names no customer but two sides.
    transferred_from: tuple[str, ...] = ()
    transferred_to: tuple[str, ...] = ()
    # Of PURCHASE_REDEEMED, likewise.
    redeemed_from: tuple[str, ...] = ()
    redeemed_by: tuple[str, ...] = ()
    currency_code: str | None = None
    currency_amount: int | None = None
    # All of it, as it was sent; `said` and `subscriber_attributes` read what is wanted of it.
    whole: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_sandbox(self) -> bool:
        """Whether the purchase was made in a store's sandbox."""
        return self.environment == "SANDBOX"

    @property
    def is_anonymous(self) -> bool:
        """Whether the app user id is one that RevenueCat's SDK made up."""
        return is_anonymous(self.app_user_id or "")

    def said(self, name: str) -> Scalar | None:
        """Any field that is a single value, by RevenueCat's own name for it, also one that is not known today."""
        return fields.scalar(self.whole.get(name))

    @property
    def subscriber_attributes(self) -> Mapping[str, str]:
        """The subscriber attributes that have a value."""
        return fields.attribute_values(self.whole.get("subscriber_attributes"))

    @property
    def is_refund(self) -> bool:
        """Whether money was given back: customer support cancelled, or the amount is negative."""
        gave_back = self.cancel_reason == "CUSTOMER_SUPPORT" or (self.price is not None and self.price < 0)
        return self.type == "CANCELLATION" and gave_back


def parse(event: Mapping[str, Any], *, received_at_ms: int, person: str | None = None) -> RevenueCatEvent:
    """Read the `event` object of a webhook; never raises.

    `received_at_ms` stands in for an event time that is missing or not a time, so that the same stored
    webhook always gives the same value. `person` is the one of `people` that it is read for.
    """
    expiration_at_ms = fields.time_ms(event.get("expiration_at_ms"))
    code, currency_amount = _adjustment(event)
    return RevenueCatEvent(
        id=fields.text(event.get("id")) or "",
        type=fields.text(event.get("type")) or "",
        event_timestamp_ms=_or(fields.time_ms(event.get("event_timestamp_ms")), received_at_ms),
        app_user_id=person or app_user_id(event),
        app_id=fields.text(event.get("app_id")),
        product_id=fields.text(event.get("product_id")),
        new_product_id=fields.text(event.get("new_product_id")),
        period_type=fields.upper(event.get("period_type")),
        store=fields.upper(event.get("store")),
        environment=environment(event),
        entitlement=_entitlement(event),
        entitlements=fields.texts(event.get("entitlement_ids")),
        expiration_at_ms=expiration_at_ms,
        never_expires="expiration_at_ms" in event and event["expiration_at_ms"] is None,
        grace_period_expiration_at_ms=fields.time_ms(event.get("grace_period_expiration_at_ms")),
        is_trial_conversion=event.get("is_trial_conversion") is True,
        cancel_reason=fields.upper(event.get("cancel_reason")),
        expiration_reason=fields.upper(event.get("expiration_reason")),
        email=email(event),
        aliases=fields.texts(event.get("aliases")),
        original_app_user_id=fields.usable_id(event.get("original_app_user_id")),
        purchased_at_ms=fields.time_ms(event.get("purchased_at_ms")),
        price=fields.amount(event.get("price")),
        price_in_purchased_currency=fields.amount(event.get("price_in_purchased_currency")),
        currency=fields.upper(event.get("currency")),
        tax_percentage=fields.share(event.get("tax_percentage")),
        commission_percentage=fields.share(event.get("commission_percentage")),
        renewal_number=fields.count(event.get("renewal_number")),
        transferred_from=fields.usable_ids(event.get("transferred_from")),
        transferred_to=fields.usable_ids(event.get("transferred_to")),
        redeemed_from=fields.usable_ids(event.get("redeemed_from")),
        redeemed_by=fields.usable_ids(event.get("redeemed_by")),
        currency_code=code,
        currency_amount=currency_amount,
        whole=event,
    )


def is_anonymous(app_user_id: str) -> bool:
    """Whether the id is one that RevenueCat's SDK made up."""
    return app_user_id.startswith(ANONYMOUS_PREFIX)


def people(event: Mapping[str, Any]) -> tuple[str, ...]:
    """The App User IDs that the event is about: one as a rule, two of a TRANSFER, none where it names nobody.

    A side of a transfer lists every id of one customer; the first that is not anonymous stands for them.
    """
    named = app_user_id(event)
    if named is not None:
        return (named,)
    sides = [event.get("redeemed_by")]
    if event.get("type") == "TRANSFER":
        sides = [event.get("transferred_from"), event.get("transferred_to")]
    chosen = [_named(fields.usable_ids(side)) for side in sides]
    return tuple(dict.fromkeys(one for one in chosen if one is not None))


def _named(ids: tuple[str, ...]) -> str | None:
    return next((one for one in ids if not is_anonymous(one)), ids[0] if ids else None)


def app_user_id(event: Mapping[str, Any]) -> str | None:
    """The customer's App User ID as sent, or None where there is none that Intercom could hold."""
    return fields.usable_id(event.get("app_user_id"))


def environment(event: Mapping[str, Any]) -> str | None:
    """PRODUCTION or SANDBOX; virtual currency transactions name the field `purchase_environment`."""
    return fields.upper(event.get("environment")) or fields.upper(event.get("purchase_environment"))


def event_time_ms(event: Mapping[str, Any]) -> int | None:
    """When RevenueCat generated the event, in unix milliseconds, or None where it does not say."""
    return fields.time_ms(event.get("event_timestamp_ms"))


def email(event: Mapping[str, Any]) -> str | None:
    """The reserved subscriber attribute `$email`, where the app has set it."""
    attributes = event.get("subscriber_attributes")
    attribute = attributes.get("$email") if isinstance(attributes, Mapping) else None
    return fields.usable_id(attribute.get("value")) if isinstance(attribute, Mapping) else None


def product_id(event: Mapping[str, Any]) -> str | None:
    """The store's product id, where the event is about a product."""
    return fields.text(event.get("product_id"))


def store(event: Mapping[str, Any]) -> str | None:
    """The store in RevenueCat's words: APP_STORE, PLAY_STORE, STRIPE, …"""
    return fields.upper(event.get("store"))


def transaction_id(event: Mapping[str, Any]) -> str | None:
    """The store's id of the purchase."""
    return fields.text(event.get("transaction_id"))


def original_transaction_id(event: Mapping[str, Any]) -> str | None:
    """The store's id of the first purchase of its subscription."""
    return fields.text(event.get("original_transaction_id"))


def _entitlement(event: Mapping[str, Any]) -> str | None:
    """The first of `entitlement_ids`, else the deprecated `entitlement_id`, which grants still fill."""
    named = fields.texts(event.get("entitlement_ids"))
    return named[0] if named else fields.text(event.get("entitlement_id"))


def _adjustment(event: Mapping[str, Any]) -> tuple[str | None, int | None]:
    """Code and amount of the first virtual currency that changed; RevenueCat names one as a rule."""
    listed = event.get("adjustments")
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(first, Mapping):
        return None, None
    currency = first.get("currency")
    changed = fields.amount(first.get("amount"))
    code = fields.text(currency.get("code")) if isinstance(currency, Mapping) else None
    return code, None if changed is None else int(changed)


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
