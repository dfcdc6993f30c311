"""A row of a transaction export, for tests that change some of its cells."""

from __future__ import annotations

from datetime import UTC, datetime


def ms(text: str) -> int:
    """A time of a cell in unix milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW_MS = ms("2026-06-01 00:00:00")
ROW = {
    "rc_original_app_user_id": "$RCAnonymousID:1",
    "rc_last_seen_app_user_id_alias": "user-1",
    "product_identifier": "premium_monthly",
    "start_time": "2026-01-01 08:00:00",
    "end_time": "2026-02-01 08:00:00",
    "effective_end_time": "2026-02-01 08:00:00",
    "store": "app_store",
    "is_auto_renewable": "true",
    "is_trial_period": "false",
    "is_in_intro_offer_period": "false",
    "is_sandbox": "false",
    "price_in_usd": "9.99",
    "purchase_price_in_usd": "9.99",
    "purchased_currency": "GBP",
    "price_in_purchased_currency": "7.99",
    "purchase_price_in_purchased_currency": "7.99",
    "store_transaction_id": "1002",
    "original_store_transaction_id": "1001",
    "entitlement_identifiers": '["premium"]',
    "renewal_number": "2",
    "is_trial_conversion": "false",
}
