"""What RevenueCat's API v2 lists: products, entitlements, subscriptions, read forgivingly. Pure.

What cannot be used is None or left out, never an error: values are added without notice
(https://www.revenuecat.com/docs/api-v2, "Subscription Data Model").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integration.revenuecat import fields


@dataclass(frozen=True, slots=True)
class Named:
    """A product, by the store's identifier, or an entitlement, by its lookup key; and what RevenueCat calls it.

    For both `key` is what webhooks carry (`product_id`, `entitlement_ids`); of the Play Store's subscriptions it is
    `subscription:baseplan`.
    """

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription of a customer, in RevenueCat's words. Times are unix milliseconds."""

    status: str
    auto_renewal_status: str | None = None
    store: str | None = None
    gives_access: bool = False
    starts_at: int | None = None
    # The end of the newest period that is paid for; None where there is none, as in an open-ended pause.
    ends_at: int | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class ActiveEntitlement:
    """What a customer has access to at this moment, by RevenueCat's own id (`entl…`); None never ends."""

    entitlement_id: str
    expires_at: int | None


def product(item: Mapping[str, Any]) -> Named | None:
    """A product that has a name."""
    return _named(item, "store_identifier")


def entitlement(item: Mapping[str, Any]) -> Named | None:
    """An entitlement that has a name."""
    return _named(item, "lookup_key")


def subscription(item: Mapping[str, Any]) -> Subscription | None:
    """A subscription that says how it stands."""
    status = _word(item.get("status"))
    if status is None:
        return None
    ends_at = fields.time_ms(item.get("ends_at"))
    return Subscription(
        status=status,
        auto_renewal_status=_word(item.get("auto_renewal_status")),
        store=_word(item.get("store")),
        gives_access=item.get("gives_access") is True,
        starts_at=fields.time_ms(item.get("starts_at")),
        ends_at=fields.time_ms(item.get("current_period_ends_at")) if ends_at is None else ends_at,
        environment=_word(item.get("environment")),
    )


def active_entitlement(item: Mapping[str, Any]) -> ActiveEntitlement | None:
    """An entitlement that is active now."""
    entitlement_id = fields.text(item.get("entitlement_id"))
    return ActiveEntitlement(entitlement_id, fields.time_ms(item.get("expires_at"))) if entitlement_id else None


def _named(item: Mapping[str, Any], key: str) -> Named | None:
    identifier, name = fields.text(item.get(key)), fields.text(item.get("display_name"))
    return Named(identifier.strip(), " ".join(name.split())) if identifier and name else None


def _word(value: Any) -> str | None:
    found = fields.text(value)
    return found.strip().lower() if found else None
