"""
One RevenueCat event in its shortest believable form, for tests that are about one field of it.

Whole webhooks as RevenueCat sends them are the samples in `integration/revenuecat/samples/`.
"""

from __future__ import annotations

from integration.mapping import EventPolicy, ProjectPolicy, Send, Skip, Wait, plan
from integration.revenuecat.events import RevenueCatEvent, parse

RECEIVED_AT_MS = 1_700_000_000_000
HAPPENED_AT_MS = 1_662_993_211_000
ENDS_AT_MS = 1_663_252_169_000

DEFAULTS = ProjectPolicy()
__all__ = ["DEFAULTS", "EventPolicy", "body", "event", "planned", "sent", "skipped"]


def body(webhook_type: str, **fields: object) -> dict[str, object]:
    """The `event` object of a webhook; a field given as `...` is left out."""
    whole: dict[str, object] = {
        "id": "12345678-1234-1234-1234-123456789012",
        "type": webhook_type,
        "event_timestamp_ms": HAPPENED_AT_MS,
        "app_user_id": "user_10482",
        "app_id": "app1234567890",
        "product_id": "premium_sub",
        "period_type": "NORMAL",
        "store": "APP_STORE",
        "environment": "PRODUCTION",
        "entitlement_ids": ["premium"],
        "expiration_at_ms": ENDS_AT_MS,
    } | fields
    return {name: value for name, value in whole.items() if value is not ...}


def event(webhook_type: str, **fields: object) -> RevenueCatEvent:
    """The same, parsed."""
    return parse(body(webhook_type, **fields), received_at_ms=RECEIVED_AT_MS)


def planned(webhook_type: str, policy: ProjectPolicy = DEFAULTS, /, **fields: object) -> Send | Skip | Wait:
    """What is planned for such an event."""
    return plan(event(webhook_type, **fields), policy)


def sent(webhook_type: str, policy: ProjectPolicy = DEFAULTS, /, **fields: object) -> Send:
    """The same, where something has to be sent."""
    decided = planned(webhook_type, policy, **fields)
    assert isinstance(decided, Send), f"skipped: {decided}"
    return decided


def skipped(webhook_type: str, policy: ProjectPolicy = DEFAULTS, /, **fields: object) -> Skip:
    """The same, where nothing may be sent."""
    decided = planned(webhook_type, policy, **fields)
    assert isinstance(decided, Skip), f"sent: {decided}"
    return decided
