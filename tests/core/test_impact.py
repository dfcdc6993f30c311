"""
What a change of settings would have meant: nothing where nothing changes, and otherwise what planning says.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from integration.event_types import EventType
from integration.mapping import AnonymousRule, ContactPolicy, EventPolicy, ProjectPolicy, SandboxRule, Send, plan
from integration.mapping.identity import DEFAULT_SOURCES
from integration.mapping.impact import HANDED_OVER, Count, Impact, Seen, Settings, Shape, Who, impact, outcome
from integration.revenuecat.events import RevenueCatEvent, parse
from tests.core.test_any_event import TYPES, Json, events, policies

DEFAULTS = Settings(ProjectPolicy())
shapes = st.builds(
    Shape,
    type=st.sampled_from([*TYPES, "PAYWALL_CLOSE", "NEVER_HEARD_OF"]),
    is_trial=st.booleans(),
    is_conversion=st.booleans(),
    is_refund=st.booleans(),
    is_sandbox=st.booleans(),
    who=st.sampled_from(Who),
    is_foreign=st.booleans(),
)
seen = st.lists(
    st.builds(
        Seen,
        shape=shapes,
        person=st.sampled_from(["", "user-1", "user-2"]),
        reason=st.sampled_from([None, "", "sandbox", "event_type_off"]),
    ),
    max_size=30,
)
settings = st.builds(Settings, policy=policies, hands_over=st.booleans())


def shape_of(event: RevenueCatEvent) -> Shape:
    """All of it that counts."""
    named = Who.ANONYMOUS if event.is_anonymous else Who.NAMED
    return Shape(
        type=event.type,
        is_trial=event.period_type == "TRIAL",
        is_conversion=event.is_trial_conversion,
        is_refund=event.is_refund,
        is_sandbox=event.is_sandbox,
        who=named if event.app_user_id else Who.NOBODY,
    )


def renewals(count: int, *, people: int = 1, is_sandbox: bool = False, is_foreign: bool = False) -> list[Seen]:
    """So many renewals, of so many people."""
    shape = Shape("RENEWAL", is_sandbox=is_sandbox, is_foreign=is_foreign)
    return [Seen(shape, f"user-{number % people}") for number in range(count)]


def with_events(**policies_: EventPolicy) -> Settings:
    """The defaults, but for these event types."""
    return Settings(ProjectPolicy(events={EventType(name): policy for name, policy in policies_.items()}))


# --- For whatever there is -----------------------------------------------------------------------------------------


@given(seen, settings)
def test_the_same_settings_have_no_impact(came_in: list[Seen], same: Settings) -> None:
    found = impact(came_in, same, same)
    assert not found and found == Impact(looked_at=len(came_in), contacts=found.contacts)


@given(events, policies)
def test_what_becomes_of_a_shape_is_what_is_planned_for_its_events(
    event: dict[str, Json], policy: ProjectPolicy
) -> None:
    policy = replace(policy, identity=DEFAULT_SOURCES)
    parsed = parse(event, received_at_ms=1_700_000_000_123)
    planned, found = plan(parsed, policy), outcome(shape_of(parsed), Settings(policy))
    assert found.event_type == planned.event_type
    if not isinstance(planned, Send):
        assert (found.name, found.reason) == ("", planned.reason)
    elif planned.only_log:
        assert (found.name, found.reason) == ("", "sandbox_logged")
    else:
        assert (found.name, found.reason) == (planned.data_event.event_name if planned.data_event else "", "")


@given(seen, settings, settings)
def test_the_way_back_takes_away_what_the_way_there_brings(came_in: list[Seen], old: Settings, new: Settings) -> None:
    there, back = impact(came_in, old, new), impact(came_in, new, old)
    assert (there.more, there.fewer, there.renamed) == (back.fewer, back.more, back.renamed)
    assert (there.names_gone, there.names_new) == (back.names_new, back.names_gone)
    assert (there.attributes_gone, there.attributes_new) == (back.attributes_new, back.attributes_gone)
    assert sorted(one.count.events for one in there.changes) == sorted(one.count.events for one in back.changes)


@given(seen, settings, settings)
def test_nothing_is_counted_twice(came_in: list[Seen], old: Settings, new: Settings) -> None:
    found = impact(came_in, old, new)
    told = found.more.events + found.fewer.events + found.renamed.events
    assert told <= sum(one.count.events for one in found.changes) <= found.looked_at == len(came_in)
    assert sum(found.missed.values()) <= found.more.events
    for count in (found.more, found.fewer, found.renamed):
        assert count.people <= min(count.events, 3)


# --- One by one ------------------------------------------------------------------------------------------------------


def test_switching_an_event_type_on_tells_of_more_events_under_a_new_name() -> None:
    came_in = [Seen(Shape("PAYWALL_CLOSE"), f"user-{number % 2}", "event_type_off") for number in range(3)]
    found = impact([*came_in, *renewals(5)], DEFAULTS, with_events(paywall_close=EventPolicy()))
    assert (found.more, found.fewer, found.looked_at) == (Count(3, 2), Count(), 8)
    assert (found.names_new, found.names_gone) == (("rc_paywall_close_event",), ())
    assert found.missed == {("event_type_off", EventType.PAYWALL_CLOSE): 3}


def test_switching_an_event_type_off_leaves_the_contact() -> None:
    came_in = [Seen(Shape("EXPIRATION"), "user-1")]
    found = impact(came_in, DEFAULTS, with_events(expiration=EventPolicy(enabled=False)))
    assert (found.fewer, found.names_gone) == (Count(1, 1), ("rc_expiration_event",))
    assert (found.changes[0].after.name, found.changes[0].after.reason) == ("", "")
    assert not found.missed


def test_another_name_renames_and_adds_nothing() -> None:
    found = impact(renewals(4, people=2), DEFAULTS, with_events(renewal=EventPolicy(custom_name="Renewed")))
    assert (found.more, found.fewer, found.renamed) == (Count(), Count(), Count(4, 2))
    assert (found.names_gone, found.names_new) == (("rc_renewal_event",), ("Renewed",))


def test_a_name_that_intercom_takes_for_the_same_is_not_gone() -> None:
    found = impact(renewals(1), DEFAULTS, with_events(renewal=EventPolicy(custom_name="RC_renewal_event")))
    assert found.renamed == Count(1, 1) and found.names_gone == found.names_new == ()


def test_sandbox_events_are_sent_logged_and_handed_over() -> None:
    came_in = renewals(2, is_sandbox=True) + renewals(3)
    sends = Settings(ProjectPolicy(sandbox=SandboxRule.SEND))
    logs = Settings(ProjectPolicy(sandbox=SandboxRule.LOG))
    hands_over = Settings(ProjectPolicy(sandbox=SandboxRule.OTHER), hands_over=True)
    assert impact(came_in, DEFAULTS, sends).more == Count(2, 1)
    assert impact(came_in, sends, logs).fewer == Count(2, 1)
    (change,) = impact(came_in, DEFAULTS, hands_over).changes
    assert (change.after.reason, change.count) == (HANDED_OVER, Count(2, 1))


def test_what_was_handed_over_stays_where_it_is() -> None:
    came_in = renewals(2, is_sandbox=True, is_foreign=True)
    sends = Settings(ProjectPolicy(sandbox=SandboxRule.SEND))
    assert impact(came_in, sends, Settings(sends.policy, hands_over=True)) == impact(came_in, sends, sends)


def test_anonymous_customers_are_held_or_skipped() -> None:
    came_in = [Seen(Shape("RENEWAL", who=Who.ANONYMOUS), "$RCAnonymousID:1"), *renewals(1)]
    for rule, reason in ((AnonymousRule.HOLD, "waits_for_a_name"), (AnonymousRule.SKIP, "anonymous")):
        (change,) = impact(came_in, DEFAULTS, Settings(ProjectPolicy(anonymous=rule))).changes
        assert (change.after.reason, change.count) == (reason, Count(1, 1))


def test_a_refund_that_is_switched_on_is_no_cancellation_any_more() -> None:
    came_in = [Seen(Shape("CANCELLATION", is_refund=True), "user-1"), Seen(Shape("CANCELLATION"), "user-1")]
    found = impact(came_in, DEFAULTS, with_events(refund=EventPolicy()))
    assert (found.renamed, found.names_new, found.names_gone) == (Count(1, 1), ("rc_refund_event",), ())


def test_attributes_come_and_go_where_somebody_is_told() -> None:
    fewer = Settings(ProjectPolicy(contact=ContactPolicy(facts=("store",))))
    found = impact(renewals(3, people=2), DEFAULTS, fewer)
    assert found and found.contacts == 2
    assert "subscription_status" in found.attributes_gone and not found.attributes_new
    assert not impact([], DEFAULTS, fewer)
    assert not impact(renewals(1, is_sandbox=True), DEFAULTS, fewer), "nobody is told of it"
