"""
Setting up: what each step is, from what is known of a project.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.intercom.workspace import Verdict
from integration.retry import DeliveryStatus
from integration.setting_up import (
    Facts,
    NewestTest,
    StepName,
    StepState,
    Stored,
    Why,
    is_set_up,
    next_step,
    steps_of,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
ALL_DONE = Facts(
    token=Stored.THERE,
    authorization=Stored.THERE,
    verdict=Verdict.FITS,
    checked_at=NOON,
    webhook_seen_at=NOON,
    names=10,
    delivered_at=NOON,
)
NEW = Facts(token=Stored.THERE, authorization=Stored.THERE, names=10)


def tried(*statuses: DeliveryStatus, at: datetime = NOON) -> NewestTest:
    """A test with these deliveries."""
    return NewestTest(at, statuses)


def decided(name: StepName, facts: Facts) -> tuple[StepState, Why]:
    """One step."""
    step = next(step for step in steps_of(facts) if step.name is name)
    return step.state, step.why


def test_a_new_project_has_its_token_checked_its_webhook_pasted_and_a_test_sent() -> None:
    steps = steps_of(NEW)
    assert [step.name for step in steps] == list(StepName)
    assert [(step.state, step.why) for step in steps] == [
        (StepState.TO_DO, Why.NOT_CHECKED),
        (StepState.TO_DO, Why.NO_WEBHOOK),
        (StepState.DONE, Why.EVENTS_CHOSEN),
        (StepState.TO_DO, Why.NOTHING_SENT),
    ]
    assert not is_set_up(steps) and next_step(steps) == steps[0]


def test_where_everything_is_done_the_project_is_set_up() -> None:
    steps = steps_of(ALL_DONE)
    assert is_set_up(steps) and next_step(steps) is None


def test_what_is_wrong_is_looked_at_before_what_is_to_do() -> None:
    steps = steps_of(replace(NEW, authorization=Stored.UNREADABLE))
    found = next_step(steps)
    assert found is not None and found.name is StepName.WEBHOOK


def test_what_needs_attention_is_looked_at_last_and_is_not_set_up() -> None:
    found = next_step(steps_of(replace(ALL_DONE, is_https=False, delivered_at=None)))
    assert found is not None and found.name is StepName.TEST
    steps = steps_of(replace(ALL_DONE, is_https=False))
    found = next_step(steps)
    assert found is not None and found.name is StepName.WEBHOOK and not is_set_up(steps)


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({"token": Stored.NONE}, StepState.TO_DO, Why.NO_TOKEN),
        ({"token": Stored.UNREADABLE}, StepState.WRONG, Why.TOKEN_UNREADABLE),
        ({"verdict": None, "checked_at": None}, StepState.TO_DO, Why.NOT_CHECKED),
        ({"verdict": Verdict.REFUSED}, StepState.WRONG, Why.REFUSED),
        ({"verdict": Verdict.PLAN}, StepState.WRONG, Why.PLAN),
        ({"verdict": Verdict.LACKS_PERMISSIONS}, StepState.WRONG, Why.LACKS_PERMISSIONS),
        ({"verdict": Verdict.OTHER_REGION}, StepState.WRONG, Why.OTHER_REGION),
        ({"verdict": Verdict.UNKNOWN_REGION}, StepState.WRONG, Why.UNKNOWN_REGION),
        ({"verdict": Verdict.NOT_INTERCOM}, StepState.WRONG, Why.NOT_INTERCOM),
        # Nobody has judged the token: checking again is all there is to do.
        ({"verdict": Verdict.BUSY}, StepState.TO_DO, Why.BUSY),
        ({"verdict": Verdict.UNREACHABLE}, StepState.TO_DO, Why.UNREACHABLE),
        # A hold is newer than the check; the check is newer than a hold.
        ({"held_at": LATER}, StepState.WRONG, Why.HELD),
        ({"held_at": NOON - timedelta(minutes=5)}, StepState.DONE, Why.FITS),
        ({"held_at": LATER, "verdict": None, "checked_at": None}, StepState.WRONG, Why.HELD),
    ],
)
def test_the_step_of_the_token(changes: dict[str, Any], state: StepState, why: Why) -> None:
    assert decided(StepName.TOKEN, replace(ALL_DONE, **changes)) == (state, why)


def test_every_verdict_is_a_reason_by_the_same_name() -> None:
    assert {verdict.value for verdict in Verdict} <= {why.value for why in Why}


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({}, StepState.DONE, Why.WEBHOOK_SEEN),
        ({"webhook_seen_at": None}, StepState.TO_DO, Why.NO_WEBHOOK),
        ({"webhook_seen_at": None, "is_rotating": True}, StepState.TO_DO, Why.NO_WEBHOOK_SINCE_ROTATION),
        # RevenueCat posts to https:// only.
        ({"is_https": False}, StepState.ATTENTION, Why.SEEN_WITHOUT_HTTPS),
        ({"is_https": False, "webhook_seen_at": None}, StepState.ATTENTION, Why.NO_HTTPS),
        ({"is_https": False, "authorization": Stored.NONE}, StepState.WRONG, Why.NO_AUTHORIZATION),
        ({"authorization": Stored.NONE}, StepState.WRONG, Why.NO_AUTHORIZATION),
        ({"authorization": Stored.UNREADABLE}, StepState.WRONG, Why.AUTHORIZATION_UNREADABLE),
    ],
)
def test_the_step_of_the_webhook(changes: dict[str, Any], state: StepState, why: Why) -> None:
    assert decided(StepName.WEBHOOK, replace(ALL_DONE, **changes)) == (state, why)


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({"names": 120}, StepState.DONE, Why.EVENTS_CHOSEN),
        ({"names": 121}, StepState.WRONG, Why.TOO_MANY_NAMES),
        ({"names_clash": True}, StepState.WRONG, Why.NAMES_CLASH),
    ],
)
def test_the_step_of_the_events(changes: dict[str, Any], state: StepState, why: Why) -> None:
    assert decided(StepName.EVENTS, replace(ALL_DONE, **changes)) == (state, why)


@pytest.mark.parametrize(
    ("tested", "delivered_at", "state", "why"),
    [
        (None, None, StepState.TO_DO, Why.NOTHING_SENT),
        (None, NOON, StepState.DONE, Why.DELIVERED),
        (tried(DeliveryStatus.DELIVERED), LATER, StepState.DONE, Why.TEST_DELIVERED),
        (tried(DeliveryStatus.FAILED), None, StepState.WRONG, Why.TEST_FAILED),
        (tried(DeliveryStatus.SKIPPED), None, StepState.TO_DO, Why.TEST_SKIPPED),
        (tried(DeliveryStatus.PENDING), None, StepState.TO_DO, Why.TEST_PENDING),
        # The newer of the two counts.
        (tried(DeliveryStatus.FAILED, at=LATER), NOON, StepState.WRONG, Why.TEST_FAILED),
        (tried(DeliveryStatus.FAILED), LATER, StepState.DONE, Why.DELIVERED),
        (tried(DeliveryStatus.PENDING, DeliveryStatus.FAILED), None, StepState.WRONG, Why.TEST_FAILED),
        # Pruned.
        (tried(), NOON, StepState.DONE, Why.DELIVERED),
        (tried(), None, StepState.TO_DO, Why.NOTHING_SENT),
    ],
)
def test_the_step_of_the_test(
    tested: NewestTest | None, delivered_at: datetime | None, state: StepState, why: Why
) -> None:
    facts = replace(ALL_DONE, tested=tested, delivered_at=delivered_at)
    assert decided(StepName.TEST, facts) == (state, why)
