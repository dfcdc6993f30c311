"""Turns what RevenueCat sent into a typed value, forgivingly: any JSON object gives a RevenueCatEvent.

RevenueCat adds fields and types without a version bump and may leave out optional ones
(https://www.revenuecat.com/docs/integrations/webhooks/event-types-and-fields), so what cannot be used is
left out and never an error. This is the last place where a value has type Any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# 9999-12-31T23:59:59.999Z, the last moment a Python datetime can hold. Larger numbers are not times.
LATEST_MS = 253_402_300_799_999
ANONYMOUS_PREFIX = "$RCAnonymousID:"
# Long enough for every id RevenueCat is known to give; Intercom's strings end there too.
LONGEST_ID = 255


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

    @property
    def is_sandbox(self) -> bool:
        """Whether the purchase was made in a store's sandbox."""
        return self.environment == "SANDBOX"

    @property
    def is_anonymous(self) -> bool:
        """Whether the app user id is one that RevenueCat's SDK made up."""
        return (self.app_user_id or "").startswith(ANONYMOUS_PREFIX)


def parse(event: Mapping[str, Any], *, received_at_ms: int) -> RevenueCatEvent:
    """Read the `event` object of a webhook; never raises.

    `received_at_ms` stands in for an event time that is missing or not a time, so that the same stored
    webhook always gives the same value.
    """
    expiration_at_ms = _time_ms(event.get("expiration_at_ms"))
    return RevenueCatEvent(
        id=_text(event.get("id")) or "",
        type=_text(event.get("type")) or "",
        event_timestamp_ms=_or(_time_ms(event.get("event_timestamp_ms")), received_at_ms),
        app_user_id=app_user_id(event),
        app_id=_text(event.get("app_id")),
        product_id=_text(event.get("product_id")),
        new_product_id=_text(event.get("new_product_id")),
        period_type=_upper(event.get("period_type")),
        store=_upper(event.get("store")),
        environment=environment(event),
        entitlement=_entitlement(event),
        expiration_at_ms=expiration_at_ms,
        never_expires="expiration_at_ms" in event and event["expiration_at_ms"] is None,
        grace_period_expiration_at_ms=_time_ms(event.get("grace_period_expiration_at_ms")),
        is_trial_conversion=event.get("is_trial_conversion") is True,
        cancel_reason=_upper(event.get("cancel_reason")),
        expiration_reason=_upper(event.get("expiration_reason")),
        email=email(event),
        aliases=_texts(event.get("aliases")),
    )


def app_user_id(event: Mapping[str, Any]) -> str | None:
    """The customer's App User ID as sent, or None where there is none that Intercom could hold."""
    value = event.get("app_user_id")
    usable = isinstance(value, str) and value.strip() and len(value) <= LONGEST_ID
    return value if usable else None


def environment(event: Mapping[str, Any]) -> str | None:
    """PRODUCTION or SANDBOX; virtual currency transactions name the field `purchase_environment`."""
    return _upper(event.get("environment")) or _upper(event.get("purchase_environment"))


def event_time_ms(event: Mapping[str, Any]) -> int | None:
    """When RevenueCat generated the event, in unix milliseconds, or None where it does not say."""
    return _time_ms(event.get("event_timestamp_ms"))


def email(event: Mapping[str, Any]) -> str | None:
    """The reserved subscriber attribute `$email`, where the app has set it."""
    attributes = event.get("subscriber_attributes")
    attribute = attributes.get("$email") if isinstance(attributes, Mapping) else None
    value = _text(attribute.get("value")) if isinstance(attribute, Mapping) else None
    return value if value and len(value) <= LONGEST_ID else None


def product_id(event: Mapping[str, Any]) -> str | None:
    """The store's product id, where the event is about a product."""
    return _text(event.get("product_id"))


def store(event: Mapping[str, Any]) -> str | None:
    """The store in RevenueCat's words: APP_STORE, PLAY_STORE, STRIPE, …"""
    return _upper(event.get("store"))


def _entitlement(event: Mapping[str, Any]) -> str | None:
    """The first of `entitlement_ids`, else the deprecated `entitlement_id`, which grants still fill."""
    named = _texts(event.get("entitlement_ids"))
    return named[0] if named else _text(event.get("entitlement_id"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _upper(value: Any) -> str | None:
    text = _text(value)
    return text.strip().upper() if text else None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if _text(item)) if isinstance(value, list) else ()


def _time_ms(value: Any) -> int | None:
    # A bool is an int to Python, and a whole float is a time all the same.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LATEST_MS
    return value if usable else None


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
