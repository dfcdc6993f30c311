"""
The webhooks that are posted: renewals as RevenueCat sends them, each of its own, told apart by a number.

No Django here: the process that posts must be up at once, and cheap.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.chaos.programs import ROOT

SAMPLE = Path(ROOT) / "integration" / "revenuecat" / "samples" / "renewal.json"
# 2026-01-01T00:00:00Z; every number is a second of its own, so that Intercom takes no two events for one.
FIRST_MS = 1_767_225_600_000
MONTH_MS = 30 * 86_400_000


def encoder(customers: int) -> Callable[[int], bytes]:
    """Makes the body of webhook number so-and-so, of one of so many customers, always of the same size."""
    sample: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))

    def encode(number: int) -> bytes:
        at_ms = FIRST_MS + number * 1000
        customer = f"customer-{number % customers:06d}"
        event = sample["event"] | {
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "app_user_id": customer,
            "original_app_user_id": customer,
            "aliases": [customer],
            "event_timestamp_ms": at_ms,
            "purchased_at_ms": at_ms,
            "expiration_at_ms": at_ms + MONTH_MS,
            "product_id": product_id(number),
        }
        return json.dumps(sample | {"event": event}).encode()

    return encode


def product_id(number: int) -> str:
    """By which an event is known again in what Intercom is told."""
    return f"product_{number:012d}"
