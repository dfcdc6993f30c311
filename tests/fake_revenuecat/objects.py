"""
The objects of the API, with every field that is documented as required.
"""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]
# 2026-01-01T00:00:00Z
NEW_YEAR_MS = 1_767_225_600_000
DAY_MS = 86_400_000


def product(store_identifier: str, display_name: str | None) -> JsonObject:
    """A product of a store."""
    return {
        "object": "product",
        "id": f"prod{abs(hash(store_identifier)):x}"[:14],
        "store_identifier": store_identifier,
        "type": "subscription",
        "created_at": NEW_YEAR_MS,
        "app_id": "app1a2b3c4",
        "display_name": display_name,
    }


def entitlement(lookup_key: str, display_name: str) -> JsonObject:
    """An entitlement of the project."""
    return {
        "object": "entitlement",
        "project_id": "proj1ab2c3d4",
        "id": f"entl_{lookup_key}",
        "lookup_key": lookup_key,
        "display_name": display_name,
        "created_at": NEW_YEAR_MS,
    }


def subscription(**fields: Any) -> JsonObject:
    """A subscription, by default a paid one that renews and ends thirty days after the new year."""
    ends_at = fields.get("ends_at", NEW_YEAR_MS + 30 * DAY_MS)
    made: JsonObject = {
        "object": "subscription",
        "id": "sub1ab2c3d4e5",
        "product_id": "prod1a2b3c4d5e",
        "starts_at": NEW_YEAR_MS,
        "current_period_starts_at": NEW_YEAR_MS,
        "current_period_ends_at": ends_at,
        "ends_at": ends_at,
        "gives_access": fields.get("status", "active") in ("trialing", "active", "in_grace_period"),
        "pending_payment": False,
        "auto_renewal_status": "will_renew",
        "status": "active",
        "total_revenue_in_usd": {"currency": "USD", "gross": 9.99, "commission": 3.0, "tax": 0.0, "proceeds": 6.99},
        "presented_offering_id": None,
        "environment": "production",
        "store": "app_store",
        "store_subscription_identifier": "12345678",
        "ownership": "purchased",
        "management_url": None,
    }
    return made | fields


def error(kind: str, message: str, *, retryable: bool = False, **more: Any) -> JsonObject:
    """An error as RevenueCat says it."""
    address = f"https://errors.rev.cat/{kind.replace('_', '-')}"
    return {"object": "error", "type": kind, "message": message, "retryable": retryable, "doc_url": address, **more}


def page(items: list[JsonObject], path: str, query: dict[str, str], ids: list[str], size: int) -> JsonObject:
    """A list from after `starting_after` on, and where it goes on."""
    after = query.get("starting_after")
    start = ids.index(after) + 1 if after in ids else 0
    shown = items[start : start + size]
    end = start + len(shown)
    going_on = f"{path}?starting_after={ids[end - 1]}" if shown and end < len(items) else None
    return {"object": "list", "items": shown, "next_page": going_on, "url": path}
