"""
What RevenueCat's API says, in the words of `subscription_status`, and when that is another thing than what is kept.
"""

from __future__ import annotations

from typing import Any

import pytest

from integration.customer_state import BILLING_ERROR_STATUS, STATUS, CustomerState, Fact
from integration.reconciliation import EXPIRES, STATUSES, decisive, differences, true_facts, truth_of
from integration.revenuecat.subscriptions import Subscription
from tests.factories import DAY_MS, NEW_YEAR_MS

END_MS = NEW_YEAR_MS + 30 * DAY_MS
BOTH = (STATUS, EXPIRES)


def one(status: str = "active", **fields: Any) -> Subscription:
    """A subscription that ends in thirty days."""
    gives_access = status in ("trialing", "active", "in_grace_period")
    return Subscription(status=status, **({"ends_at": END_MS, "gives_access": gives_access} | fields))


def state(**values: Any) -> CustomerState:
    """What events told at the new year."""
    return CustomerState(
        {name: Fact(value=value, at_ms=NEW_YEAR_MS, event_id="event") for name, value in values.items()}
    )


@pytest.mark.parametrize(
    ("status", "renewal", "store", "ours"),
    [
        ("trialing", "will_renew", "app_store", "trial"),
        ("trialing", "will_not_renew", "app_store", "cancelled_trial"),
        ("active", "will_renew", "app_store", "active"),
        ("active", "will_change_product", "play_store", "active"),
        ("active", "will_pause", "play_store", "active"),
        ("active", "requires_price_increase_consent", "app_store", "active"),
        ("active", "has_already_renewed", "stripe", "active"),
        ("active", None, "stripe", "active"),
        ("active", "will_not_renew", "app_store", "cancelled"),
        ("active", "will_not_renew", "promotional", "promotional"),
        ("in_grace_period", "will_renew", "app_store", "grace_period"),
        ("in_billing_retry", "will_renew", "app_store", "expired"),
        ("paused", "will_renew", "play_store", "paused"),
        ("expired", "will_not_renew", "app_store", "expired"),
        ("expired", "will_not_renew", "promotional", "expired_promotional"),
        ("unknown", "will_renew", "app_store", None),
        ("incomplete", "will_renew", "stripe", None),
        ("a_word_of_tomorrow", None, None, None),
    ],
)
def test_each_status_of_revenuecats_has_a_word_of_ours(
    status: str, renewal: str | None, store: str | None, ours: str | None
) -> None:
    truth = truth_of(one(status, auto_renewal_status=renewal, store=store), NEW_YEAR_MS)
    assert (truth.status if truth else None) == ours
    assert ours is None or ours in STATUSES


@pytest.mark.parametrize(
    ("kept", "said", "prepaid", "agree"),
    [
        ("active", one(), False, True),
        ("intro", one(), False, True),
        ("trial", one(), False, False),
        ("cancelled", one(), False, False),
        (None, one(), False, False),
        ("cancelled", one(auto_renewal_status="will_not_renew"), False, True),
        ("active", one(auto_renewal_status="will_not_renew"), False, False),
        ("active", one(auto_renewal_status="will_not_renew"), True, True),
        ("grace_period_trial", one("in_grace_period"), False, True),
        ("cancelled", one("in_billing_retry"), False, True),
        ("cancelled", one("expired"), False, False),
        ("expired_promotional", one("expired"), False, True),
        ("expired", one("expired", store="promotional"), False, True),
        ("active", one("expired"), False, False),
    ],
)
def test_words_that_mean_the_same_agree(kept: str | None, said: Subscription, prepaid: bool, agree: bool) -> None:
    truth = truth_of(said, NEW_YEAR_MS, prepaid=prepaid)
    held = state(subscription_status=kept) if kept else CustomerState()
    assert truth is not None
    assert (differences(held, truth, (STATUS,)) == {}) is agree


@pytest.mark.parametrize(
    ("kept", "ends_at", "agree"),
    [
        (END_MS // 1000, END_MS, True),
        (END_MS // 1000 + 59, END_MS, True),
        (END_MS // 1000 - 61, END_MS, False),
        (None, END_MS, False),
        (None, NEW_YEAR_MS + 200 * 365 * DAY_MS, True),
        (END_MS // 1000, NEW_YEAR_MS + 200 * 365 * DAY_MS, False),
        (END_MS // 1000, None, True),
    ],
)
def test_ends_are_compared_to_the_minute_and_one_for_life_is_none(
    kept: int | None, ends_at: int | None, agree: bool
) -> None:
    truth = truth_of(one(store="promotional", ends_at=ends_at), NEW_YEAR_MS)
    assert truth is not None
    assert (differences(state(expires_at=kept), truth, (EXPIRES,)) == {}) is agree


def test_an_end_that_is_not_known_here_is_a_difference() -> None:
    truth = truth_of(one(), NEW_YEAR_MS)
    assert truth is not None
    assert differences(CustomerState(), truth, BOTH) == {STATUS: "active", EXPIRES: END_MS // 1000}
    assert differences(CustomerState(), truth, ()) == {}


@pytest.mark.parametrize("status", ["in_grace_period", "paused"])
def test_the_end_of_a_grace_period_and_of_a_pause_is_not_compared(status: str) -> None:
    truth = truth_of(one(status), NEW_YEAR_MS)
    assert truth is not None and differences(state(expires_at=7), truth, (EXPIRES,)) == {}


def test_of_several_subscriptions_the_one_that_gives_access_and_ends_last_decides() -> None:
    over, short, long = one("expired", ends_at=END_MS + DAY_MS), one(ends_at=END_MS - DAY_MS), one("trialing")
    assert decisive([over, short, long]) is long
    assert decisive([short, one(ends_at=None), long]) == one(ends_at=None)
    assert decisive([over, one("paused", ends_at=None), one("expired")]) is over
    assert decisive([one("unknown"), one("incomplete")]) is None
    assert decisive([]) is None


def test_what_revenuecat_says_overrules_older_events_and_yields_to_newer_ones() -> None:
    truth = truth_of(one("in_grace_period"), NEW_YEAR_MS)
    assert truth is not None
    asked_ms = NEW_YEAR_MS + DAY_MS
    facts = true_facts({STATUS: "grace_period"}, truth, asked_ms)
    held = state(subscription_status="active", expires_at=7).merge(facts)
    assert held.attributes() == {"subscription_status": "grace_period", "expires_at": 7}
    failed = Fact(value="cancelled", at_ms=asked_ms + 1, event_id="b")
    # The cancellation for the billing error that comes a moment later does not hide the grace period.
    assert held.merge(CustomerState({BILLING_ERROR_STATUS: failed})).attributes()[STATUS] == "grace_period"
    renewed = Fact(value="active", at_ms=asked_ms + 1, event_id="c")
    assert held.merge(CustomerState({STATUS: renewed})).attributes()[STATUS] == "active"
    late = Fact(value="trial", at_ms=asked_ms - 1, event_id="d")
    assert held.merge(CustomerState({STATUS: late})).attributes()[STATUS] == "grace_period"
