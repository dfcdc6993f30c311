"""
What is known of a customer does not depend on the order in which events come, and a grace period is not lost in it.

Examples are told as a customer's story in events; properties are about any facts whatever.
"""

from __future__ import annotations

import itertools
import json
from functools import reduce
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.customer_state import (
    BILLING_ERROR_STATUS,
    STATUS,
    CustomerState,
    Fact,
    changed_attributes,
)
from integration.intercom.messages import AttributeValue
from tests.core.examples import sent

# Few values, so that times, ids and values often collide.
values: st.SearchStrategy[AttributeValue] = st.sampled_from(["active", "cancelled", "None", "1", 1, 0, None])
facts = st.builds(
    Fact,
    value=values,
    at_ms=st.integers(0, 3),
    event_id=st.sampled_from(["", "A", "B"]),
    until_ms=st.none() | st.integers(0, 4),
)
names = st.sampled_from(["latest_store", "expires_at", STATUS, BILLING_ERROR_STATUS])
states = st.builds(CustomerState, st.dictionaries(names, facts))


def merged(stories: list[CustomerState]) -> CustomerState:
    """What is known after these, in this order."""
    return reduce(CustomerState.merge, stories, CustomerState())


# --- Any facts whatever -------------------------------------------------------------------------------


@given(states, states)
def test_merging_does_not_depend_on_which_comes_first(one: CustomerState, other: CustomerState) -> None:
    assert one.merge(other) == other.merge(one)


@given(states, states, states)
def test_merging_does_not_depend_on_how_it_is_grouped(
    one: CustomerState, two: CustomerState, six: CustomerState
) -> None:
    assert one.merge(two).merge(six) == one.merge(two.merge(six))


@given(states)
def test_what_is_heard_twice_changes_nothing(state: CustomerState) -> None:
    assert state.merge(state) == state
    assert CustomerState().merge(state) == state.merge(CustomerState()) == state


@given(st.lists(states, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_arrival_never_shows(arrived: list[CustomerState], chance: Random) -> None:
    shuffled = list(arrived)
    chance.shuffle(shuffled)
    assert merged(shuffled) == merged(arrived)
    assert merged(shuffled + arrived).attributes() == merged(arrived).attributes()


@given(states)
def test_a_state_survives_the_database(state: CustomerState) -> None:
    assert CustomerState.from_json(json.loads(json.dumps(state.to_json()))) == state


@given(states, states)
def test_an_older_fact_never_overwrites_a_newer_one_and_each_name_is_judged_alone(
    one: CustomerState, other: CustomerState
) -> None:
    both = one.merge(other)
    for name in {*one.facts, *other.facts}:
        told = [state.facts[name] for state in (one, other) if name in state.facts]
        assert both.facts[name] in told
        assert both.facts[name].at_ms == max(fact.at_ms for fact in told)


@given(states)
def test_the_attributes_are_the_facts_and_never_the_bookkeeping(state: CustomerState) -> None:
    found = state.attributes()
    assert BILLING_ERROR_STATUS not in found
    assert (STATUS in found) == bool({STATUS, BILLING_ERROR_STATUS} & set(state.facts))
    for name in set(found) - {STATUS}:
        assert found[name] == state.facts[name].value


# --- A customer's story -------------------------------------------------------------------------------

DAY = 86_400_000
START = 1_700_000_000_000


def told(webhook_type: str, day: float, **fields: object) -> CustomerState:
    """The facts of one event on that day of the story."""
    at_ms = START + round(day * DAY)
    return sent(webhook_type, event_timestamp_ms=at_ms, id=f"{webhook_type}-{day}", **fields).facts


def purchase(day: float, **fields: object) -> CustomerState:
    return told("INITIAL_PURCHASE", day, **fields)


def renewal(day: float) -> CustomerState:
    return told("RENEWAL", day)


def grace(day: float, *, until: float, **fields: object) -> CustomerState:
    return told("BILLING_ISSUE", day, grace_period_expiration_at_ms=START + round(until * DAY), **fields)


def failed_charge(day: float, **fields: object) -> CustomerState:
    return told("CANCELLATION", day, cancel_reason="BILLING_ERROR", **fields)


def status_of(story: list[CustomerState]) -> object:
    """The status after a story; whatever order it arrives in."""
    found = {json.dumps(merged(list(order)).attributes().get(STATUS)) for order in itertools.permutations(story)}
    assert len(found) == 1, f"the order of arrival shows: {found}"
    return json.loads(found.pop())


SECOND = 1 / 86_400
STORIES: list[tuple[str, list[CustomerState], str]] = [
    (
        "a failed charge a moment after the grace period began",
        [purchase(0), grace(30, until=46), failed_charge(30 + SECOND)],
        "grace_period",
    ),
    (
        "a failed charge a moment before the grace period began",
        [purchase(0), failed_charge(30), grace(30 + SECOND, until=46)],
        "grace_period",
    ),
    (
        "a failed charge at the very same time",
        [purchase(0), failed_charge(30), grace(30, until=46)],
        "grace_period",
    ),
    (
        "the same in a trial",
        [
            purchase(0, period_type="TRIAL"),
            grace(7, until=14, period_type="TRIAL"),
            failed_charge(7, period_type="TRIAL"),
        ],
        "grace_period_trial",
    ),
    (
        "a second failed charge while grace lasts",
        [grace(30, until=46), failed_charge(31), failed_charge(40)],
        "grace_period",
    ),
    ("a failed charge when grace has ended", [grace(30, until=46), failed_charge(31), failed_charge(47)], "cancelled"),
    ("a failed charge at the moment grace ends", [grace(30, until=46), failed_charge(46)], "cancelled"),
    ("a failed charge without grace", [purchase(0), failed_charge(30)], "cancelled"),
    ("a failed charge of a trial without grace", [failed_charge(7, period_type="TRIAL")], "cancelled_trial"),
    (
        "a billing issue without grace says nothing",
        [purchase(0), told("BILLING_ISSUE", 30), failed_charge(30)],
        "cancelled",
    ),
    ("a renewal that ends the grace period", [grace(30, until=46), failed_charge(30), renewal(35)], "active"),
    (
        "a failed charge after a renewal in between",
        [grace(30, until=46), failed_charge(30), renewal(35), failed_charge(40)],
        "cancelled",
    ),
    (
        "someone who unsubscribes in a grace period",
        [grace(30, until=46), failed_charge(30), told("CANCELLATION", 31, cancel_reason="UNSUBSCRIBE")],
        "cancelled",
    ),
    ("the end after a grace period", [grace(30, until=46), failed_charge(30), told("EXPIRATION", 46)], "expired"),
    (
        "a trial that converts",
        [purchase(0, period_type="TRIAL"), told("RENEWAL", 7, is_trial_conversion=True)],
        "active",
    ),
    (
        "a cancellation that was taken back",
        [purchase(0), told("CANCELLATION", 3, cancel_reason="UNSUBSCRIBE"), told("UNCANCELLATION", 4)],
        "active",
    ),
    (
        "a product change in between",
        [purchase(0, period_type="INTRO"), told("PRODUCT_CHANGE", 4, new_product_id="yearly")],
        "intro",
    ),
]


@pytest.mark.parametrize(("story", "status"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_each_story_ends_in_its_status_in_whatever_order_it_arrives(story: list[CustomerState], status: str) -> None:
    assert status_of(story) == status


@pytest.mark.parametrize(("grace_id", "failed_id"), [("A", "B"), ("B", "A")])
def test_at_the_same_millisecond_grace_wins_whatever_the_ids(grace_id: str, failed_id: str) -> None:
    until = START + 16 * DAY
    issue = sent("BILLING_ISSUE", event_timestamp_ms=START, id=grace_id, grace_period_expiration_at_ms=until).facts
    error = sent("CANCELLATION", event_timestamp_ms=START, id=failed_id, cancel_reason="BILLING_ERROR").facts
    assert status_of([issue, error]) == "grace_period"


def test_fields_of_other_webhooks_that_stand_in_a_renewal_count_for_nothing() -> None:
    """RevenueCat may add fields to any type; only a billing issue begins a grace period, only a cancellation fails."""
    stray = told("RENEWAL", 35, cancel_reason="BILLING_ERROR", grace_period_expiration_at_ms=START + 99 * DAY)
    assert status_of([grace(30, until=46), stray]) == "active"
    assert status_of([grace(30, until=46), stray, failed_charge(40)]) == "cancelled"


def test_an_older_event_fills_in_what_was_not_known_and_overwrites_nothing() -> None:
    late = purchase(0, entitlement_ids=["silver"], store="STRIPE", expiration_at_ms=START + DAY)
    known = told("RENEWAL", 30, entitlement_ids=None, store="APP_STORE", expiration_at_ms=START + 60 * DAY)
    assert known.merge(late).attributes() == {
        "latest_store": "APP_STORE",
        "expires_at": (START + 60 * DAY) // 1000,
        "subscription_status": "active",
        "latest_entitlement": "silver",
    }


def test_a_cleared_end_is_a_fact_and_a_later_end_replaces_it() -> None:
    for_life = told("NON_RENEWING_PURCHASE", 0, expiration_at_ms=None)
    later = renewal(1)
    assert for_life.attributes()["expires_at"] is None
    assert for_life.merge(later).attributes()["expires_at"] is not None
    assert purchase(-1).merge(for_life).attributes()["expires_at"] is None


# --- What has to be told ------------------------------------------------------------------------------


def test_only_what_intercom_does_not_hold_is_told() -> None:
    wanted: dict[str, AttributeValue] = {"a": 1, "b": "x", "c": "new"}
    assert changed_attributes(wanted, {"a": 1, "b": "y"}) == {"b": "x", "c": "new"}


def test_what_intercom_holds_beyond_that_is_left_alone() -> None:
    assert changed_attributes({}, {"a": 1}) == {}


def test_clearing_is_told_once() -> None:
    assert changed_attributes({"expires_at": None}, {"expires_at": 5}) == {"expires_at": None}
    assert changed_attributes({"expires_at": None}, {"expires_at": None}) == {}


def test_clearing_is_told_where_nobody_knows_what_intercom_holds() -> None:
    """The contact may have been there before this app, with an end that another integration wrote."""
    assert changed_attributes({"expires_at": None}, {"latest_store": "STRIPE"}) == {"expires_at": None}


@given(st.dictionaries(names, values), st.dictionaries(names, values))
def test_telling_the_changes_leaves_nothing_to_tell(
    wanted: dict[str, AttributeValue], held: dict[str, AttributeValue]
) -> None:
    assert changed_attributes(wanted, held | changed_attributes(wanted, held)) == {}
