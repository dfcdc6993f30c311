"""The catalogue as a whole: its rows do not overlap, so their order decides nothing."""

from __future__ import annotations

import itertools

import pytest

from integration.event_types import CATALOGUE
from integration.revenuecat.events import RevenueCatEvent

TYPES = (
    "INITIAL_PURCHASE",
    "RENEWAL",
    "CANCELLATION",
    "NON_RENEWING_PURCHASE",
    "EXPIRATION",
    "BILLING_ISSUE",
    "PRODUCT_CHANGE",
)
PERIODS = ("TRIAL", "INTRO", "NORMAL", "PROMOTIONAL", "PREPAID", None, "SOMETHING_NEW")


@pytest.mark.parametrize(
    ("webhook_type", "period", "conversion"), list(itertools.product(TYPES, PERIODS, (True, False)))
)
def test_exactly_one_row_says_yes(webhook_type: str, period: str | None, conversion: bool) -> None:
    event = RevenueCatEvent(
        id="1", type=webhook_type, event_timestamp_ms=0, period_type=period, is_trial_conversion=conversion
    )
    assert sum(row.happened(event) for row in CATALOGUE) == 1


@pytest.mark.parametrize("webhook_type", ["TEST", "SUBSCRIBER_ALIAS", "SOMETHING_NEW", "transfer", ""])
def test_no_row_says_yes_to_what_is_no_event_type(webhook_type: str) -> None:
    event = RevenueCatEvent(id="1", type=webhook_type, event_timestamp_ms=0, period_type="TRIAL")
    assert not any(row.happened(event) for row in CATALOGUE)
