"""
Whatever JSON object stands in a webhook, it is planned without an error, twice the same, within Intercom's rules.

https://developers.intercom.com/docs/references/rest-api/api.intercom.io/data-events
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from integration.event_types import EventType
from integration.mapping import (
    AnonymousRule,
    ContactPolicy,
    EventPolicy,
    FieldRule,
    MoneyPolicy,
    ProjectPolicy,
    SandboxRule,
    Send,
    plan,
)
from integration.mapping.attributes import ALL_FACTS, OWN_FIELDS
from integration.mapping.metadata import OFFERED
from integration.mapping.money import MoneyBasis, MoneyCurrency
from integration.revenuecat.events import RevenueCatEvent, parse

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

TYPES = [
    "INITIAL_PURCHASE", "RENEWAL", "CANCELLATION", "UNCANCELLATION", "NON_RENEWING_PURCHASE", "EXPIRATION",
    "BILLING_ISSUE", "PRODUCT_CHANGE", "SUBSCRIPTION_EXTENDED", "TEST", "TRANSFER", "REFUND_REVERSED",
    "VIRTUAL_CURRENCY_TRANSACTION", "SUBSCRIBER_ALIAS",
]  # fmt: skip
FIELDS = [
    "id", "type", "event_timestamp_ms", "app_user_id", "app_id", "product_id", "new_product_id", "period_type",
    "store", "environment", "purchase_environment", "entitlement_ids", "entitlement_id", "expiration_at_ms",
    "grace_period_expiration_at_ms", "is_trial_conversion", "cancel_reason", "expiration_reason",
    "subscriber_attributes", "aliases", "original_app_user_id", "price", "price_in_purchased_currency", "currency",
    "tax_percentage", "commission_percentage", "renewal_number", "transferred_from", "transferred_to", "redeemed_by",
    "adjustments", "purchased_at_ms", "country_code",
]  # fmt: skip

numbers = (
    st.booleans()
    | st.integers()
    | st.integers(10**12, 10**30)
    | st.just(10**4000)
    | st.floats(allow_nan=False)
    | st.sampled_from([-1, 0, 1.5, 1e300, math.inf, -math.inf, 253_402_300_799_999, 253_402_300_800_000])
)
texts = (
    st.text(max_size=30)
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["", " ", "\x00", "\ud800", "ß" * 255, "İ" * 255, "x" * 256, "TRIAL", "PROMOTIONAL", "SANDBOX"])
)
anything: st.SearchStrategy[Json] = st.recursive(
    st.none() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
# Often good, so that the events get far; often junk in a field that matters.
good: dict[str, st.SearchStrategy[Json]] = {
    "type": st.sampled_from(TYPES),
    "event_timestamp_ms": st.integers(0, 2_000_000_000_000),
    "app_user_id": st.sampled_from(["user-1", "$RCAnonymousID:6b1f0d8e4c2a47d39a5e7f10c3b28d64"]),
    "period_type": st.sampled_from(["TRIAL", "INTRO", "NORMAL", "PREPAID", "PROMOTIONAL"]),
    "subscriber_attributes": st.dictionaries(
        st.sampled_from(["$email", "$displayName", "$phoneNumber", "plan"]),
        anything | st.dictionaries(st.just("value"), anything),
    ),
    "price": st.floats(-1e6, 1e6),
    "price_in_purchased_currency": st.floats(-1e6, 1e6),
    "currency": st.sampled_from(["EUR", "JPY", "KWD", "XXX"]),
    "commission_percentage": st.floats(0, 1),
    "tax_percentage": st.floats(0, 1),
}
events: st.SearchStrategy[dict[str, Json]] = st.fixed_dictionaries(
    {"type": good["type"] | anything},
    optional={name: good.get(name, anything) | anything for name in FIELDS if name != "type"},
) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), anything, max_size=6)
policies = st.builds(
    ProjectPolicy,
    sandbox=st.sampled_from(SandboxRule),
    anonymous=st.sampled_from(AnonymousRule),
    identity=st.sampled_from(
        [("app_user_id",), ("email",), ("attribute:plan", "alias", "original_app_user_id"), ("original_app_user_id",)]
    ),
    events=st.dictionaries(
        st.sampled_from(EventType),
        st.builds(EventPolicy, enabled=st.booleans(), custom_name=st.sampled_from(["", "Renewed"])),
        max_size=len(EventType),
    ),
    custom_types=st.just({}) | st.just({"SUBSCRIBER_ALIAS": "alias made"}),
    money=st.builds(
        MoneyPolicy, basis=st.sampled_from(MoneyBasis), currency=st.sampled_from(MoneyCurrency), totals=st.booleans()
    ),
    metadata=st.lists(st.sampled_from((*OFFERED, "attribute_plan")), max_size=12, unique=True).map(tuple),
    contact=st.builds(
        ContactPolicy,
        facts=st.lists(st.sampled_from([fact.name for fact in ALL_FACTS]), unique=True).map(tuple),
        prefix=st.sampled_from(["", "rc_"]),
        subscriber_attributes=st.just({}) | st.just({"plan": "plan_tier"}),
        own_fields=st.dictionaries(st.sampled_from(sorted(OWN_FIELDS)), st.sampled_from(FieldRule)),
    ),
    revenuecat_project=st.sampled_from(["", "proj1ab2c3d4"]),
)


def understood(event: dict[str, Json], received_at_ms: int) -> RevenueCatEvent:
    """The event, parsed twice the same."""
    first, second = (parse(event, received_at_ms=received_at_ms) for _ in range(2))
    assert first == second
    return first


@given(events, policies)
def test_any_json_object_is_planned_twice_the_same_within_intercoms_rules(
    event: dict[str, Json], policy: ProjectPolicy
) -> None:
    parsed = understood(event, 1_700_000_000_123)
    decided = plan(parsed, policy)
    assert plan(parsed, policy) == decided
    if not isinstance(decided, Send):
        assert decided.sentence
        return
    if policy.identity == ("app_user_id",):
        assert decided.external_id == event["app_user_id"]
    assert 0 < len(decided.external_id) <= 255
    assert decided.data_event is not None or decided.note
    check_contact(decided, policy)
    check_data_event(decided)


def check_contact(decided: Send, policy: ProjectPolicy) -> None:
    types = policy.attribute_types()
    for name, value in policy.attributes(decided.facts, decided.totals).items():
        assert value is None or TYPE_CHECKS[types[name]](value), f"{name} is {value!r}"
    for own in policy.own_fields(decided.facts).values():
        assert 0 < len(own.value) <= 255
    json.dumps(decided.facts.to_json(), allow_nan=False)


TYPE_CHECKS: dict[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str) and 0 < len(value) <= 255,
    "date": lambda value: type(value) is int and 0 <= value < 2**38,
    "integer": lambda value: type(value) is int,
    "float": lambda value: isinstance(value, float) and math.isfinite(value),
    "boolean": lambda value: type(value) is bool,
}


def check_data_event(decided: Send) -> None:
    data_event = decided.data_event
    if data_event is None:
        return
    assert data_event.user_id == decided.external_id
    assert data_event.event_name
    assert type(data_event.created_at) is int
    assert 0 <= data_event.created_at < 2**38
    assert len(data_event.metadata) <= 10
    json.dumps(data_event.body(), allow_nan=False)
    for value in data_event.metadata.values():
        if isinstance(value, Mapping):
            assert set(value) in ({"amount", "currency"}, {"url", "value"}), "what Intercom knows beside plain values"
            assert type(value.get("amount", 0)) is int
            assert int(value.get("amount", 0)) >= 0, "Intercom's money is never negative"
        else:
            assert type(value) in (str, int, float), "flat, no nulls and no booleans"
            assert not isinstance(value, str) or 0 < len(value) <= 255


@given(st.dictionaries(st.sampled_from(FIELDS), anything))
def test_whatever_a_field_holds_every_value_has_its_type_once_parsed(event: dict[str, Json]) -> None:
    parsed = understood(event, 5)
    assert parsed.event_timestamp_ms >= 0
    assert all(isinstance(alias, str) and alias.strip() for alias in parsed.aliases)
    for time in (parsed.expiration_at_ms, parsed.grace_period_expiration_at_ms):
        assert time is None or type(time) is int
    for text in (parsed.product_id, parsed.store, parsed.email, parsed.entitlement, parsed.environment):
        assert text is None or text.strip()
    assert type(parsed.is_trial_conversion) is bool
