"""
Names in Intercom: which a project uses, and which could not be told apart there.
"""

from __future__ import annotations

import pytest

from integration.event_types import CATALOGUE, EventType
from integration.mapping import ContactPolicy, EventPolicy, ProjectPolicy
from integration.mapping.names import (
    Clash,
    ClashKind,
    attribute_clashes,
    custom_type_clashes,
    event_names,
    known_event_type,
)

DEFAULTS = {row.label: row.default_name for row in CATALOGUE}


def test_a_new_project_uses_the_ten_names_of_revenuecats_own_integration() -> None:
    assert event_names(ProjectPolicy()) == {row.default_name for row in CATALOGUE if row.on}


def test_names_are_counted_as_intercom_compares_them() -> None:
    policy = ProjectPolicy(
        events={
            EventType.EXPIRATION: EventPolicy(enabled=False),
            EventType.TRANSFER: EventPolicy(enabled=True, custom_name="Moved"),
        },
        custom_types={"A": "moved", "B": "Spun"},
    )
    names = event_names(policy)
    assert {"moved", "spun"} <= names and "rc_expiration_event" not in names
    assert len(names) == sum(row.on for row in CATALOGUE) - 1 + 2


@pytest.mark.parametrize("webhook_type", ["RENEWAL", "initial_purchase", "TRANSFER", "CANCELLATION", "PAYWALL_CLOSE"])
def test_types_of_the_catalogue_are_known(webhook_type: str) -> None:
    assert known_event_type(webhook_type) is not None


@pytest.mark.parametrize("webhook_type", ["SPIN_THE_WHEEL", "SUBSCRIBER_ALIAS", "SOMETHING_NEW"])
def test_others_are_not(webhook_type: str) -> None:
    assert known_event_type(webhook_type) is None


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"SPIN": "spun", "TURN": "turned"}, []),
        ({"SPIN": "spun", "spin": "spun"}, [Clash(ClashKind.SAME_TYPE, "spin", "SPIN")]),
        ({"SPIN": "spun", "TURN": "Spun"}, [Clash(ClashKind.SAME_NAME, "TURN", "SPIN")]),
        ({"SPIN": "RC_renewal_event"}, [Clash(ClashKind.SAME_NAME, "SPIN", "Renewal")]),
        ({"RENEWAL": "again"}, [Clash(ClashKind.KNOWN_TYPE, "RENEWAL", "Renewal")]),
    ],
)
def test_custom_types_that_could_not_be_told_apart(rules: dict[str, str], expected: list[Clash]) -> None:
    assert list(custom_type_clashes(rules, DEFAULTS)) == expected


@pytest.mark.parametrize(
    ("attributes", "prefix", "totals", "expected"),
    [
        ({"plan": "plan"}, "", False, []),
        ({"plan": "subscription_status"}, "", False, [("plan", "subscription_status")]),
        ({"plan": "rc_Subscription_Status"}, "rc_", False, [("plan", "rc_Subscription_Status")]),
        ({"plan": "rc_subscription_status"}, "", False, []),
        # A fact that is not kept takes no name.
        ({"plan": "rc_last_event"}, "rc_", False, []),
        ({"spent": "rc_lifetime_revenue_usd"}, "", True, [("spent", "rc_lifetime_revenue_usd")]),
        ({"spent": "rc_lifetime_revenue_usd"}, "", False, []),
        ({"a": "same", "b": "Same"}, "", False, [("b", "Same")]),
    ],
)
def test_attributes_that_would_be_written_over_each_other(
    attributes: dict[str, str], prefix: str, totals: bool, expected: list[tuple[str, str]]
) -> None:
    contact = ContactPolicy(prefix=prefix, subscriber_attributes=attributes)
    assert list(attribute_clashes(contact, totals=totals)) == expected
