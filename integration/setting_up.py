"""The four steps of setting a project up, each done, needing attention, to do or wrong, as its facts say. Pure.

What each reason means in words is said where it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from integration.intercom.workspace import Verdict
from integration.mapping.names import MOST_EVENT_NAMES
from integration.retry import DeliveryStatus


class StepName(StrEnum):
    """In their order."""

    TOKEN = "token"  # noqa: S105 - a step, and no token
    WEBHOOK = "webhook"
    EVENTS = "events"
    TEST = "test"


class StepState(StrEnum):
    """How far a step is."""

    DONE = "done"
    # Something stands in the way that is not a matter of this project.
    ATTENTION = "attention"
    TO_DO = "to_do"
    WRONG = "wrong"


class Stored(StrEnum):
    """Whether a secret is there."""

    NONE = "none"
    UNREADABLE = "unreadable"
    THERE = "there"


class Why(StrEnum):
    """What a step's state rests on. A check of the token has the names of its verdict."""

    NO_TOKEN = "no_token"  # noqa: S105
    TOKEN_UNREADABLE = "token_unreadable"  # noqa: S105
    NOT_CHECKED = "not_checked"
    HELD = "held"
    FITS = "fits"
    OTHER_REGION = "other_region"
    UNKNOWN_REGION = "unknown_region"
    LACKS_PERMISSIONS = "lacks_permissions"
    PLAN = "plan"
    REFUSED = "refused"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    NOT_INTERCOM = "not_intercom"
    NO_AUTHORIZATION = "no_authorization"
    AUTHORIZATION_UNREADABLE = "authorization_unreadable"
    NO_HTTPS = "no_https"
    SEEN_WITHOUT_HTTPS = "seen_without_https"
    NO_WEBHOOK = "no_webhook"
    NO_WEBHOOK_SINCE_ROTATION = "no_webhook_since_rotation"
    WEBHOOK_SEEN = "webhook_seen"
    NAMES_CLASH = "names_clash"
    TOO_MANY_NAMES = "too_many_names"
    EVENTS_CHOSEN = "events_chosen"
    NOTHING_SENT = "nothing_sent"
    DELIVERED = "delivered"
    TEST_DELIVERED = "test_delivered"
    TEST_FAILED = "test_failed"
    TEST_SKIPPED = "test_skipped"
    TEST_PENDING = "test_pending"


@dataclass(frozen=True, slots=True)
class NewestTest:
    """The newest test: when it was sent, and how its deliveries stand; there are none any more once it is pruned."""

    at: datetime
    statuses: tuple[DeliveryStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a project."""

    token: Stored
    authorization: Stored
    # Of the newest check of this token and region.
    verdict: Verdict | None = None
    checked_at: datetime | None = None
    # Of a hold that ends when somebody resumes it.
    held_at: datetime | None = None
    # Whether the webhook URL is one that RevenueCat takes.
    is_https: bool = True
    webhook_seen_at: datetime | None = None
    # Whether the value before the present one is still taken.
    is_rotating: bool = False
    # Event names that are used in the workspace, as far as they are known.
    names: int = 0
    names_clash: bool = False
    tested: NewestTest | None = None
    # When something was last delivered.
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step, how far it is, and why."""

    name: StepName
    state: StepState
    why: Why


_DONE, _ATTENTION, _TO_DO, _WRONG = StepState.DONE, StepState.ATTENTION, StepState.TO_DO, StepState.WRONG
# Verdicts that do not judge the token: checking again is all there is to do.
_NOT_JUDGED = frozenset({Verdict.BUSY, Verdict.UNREACHABLE})


def steps_of(facts: Facts) -> tuple[Step, ...]:
    """The steps in their order."""
    decided = (
        (StepName.TOKEN, _token(facts)),
        (StepName.WEBHOOK, _webhook(facts)),
        (StepName.EVENTS, _events(facts)),
        (StepName.TEST, _test(facts)),
    )
    return tuple(Step(name, state, why) for name, (state, why) in decided)


def is_set_up(steps: Sequence[Step]) -> bool:
    """Whether nothing is left to do."""
    return all(step.state is StepState.DONE for step in steps)


def next_step(steps: Sequence[Step]) -> Step | None:
    """The step to look at: what is wrong before what is to do, and that before what asks for attention."""
    worst_first = (_WRONG, _TO_DO, _ATTENTION)
    return next((step for state in worst_first for step in steps if step.state is state), None)


def _token(facts: Facts) -> tuple[StepState, Why]:
    if facts.token is Stored.NONE:
        return _TO_DO, Why.NO_TOKEN
    if facts.token is Stored.UNREADABLE:
        return _WRONG, Why.TOKEN_UNREADABLE
    held, checked = facts.held_at, facts.checked_at
    if held is not None and (checked is None or held > checked):
        return _WRONG, Why.HELD
    if facts.verdict is None or checked is None:
        return _TO_DO, Why.NOT_CHECKED
    state = _DONE if facts.verdict is Verdict.FITS else _TO_DO if facts.verdict in _NOT_JUDGED else _WRONG
    return state, Why(facts.verdict.value)


def _webhook(facts: Facts) -> tuple[StepState, Why]:
    if facts.authorization is Stored.NONE:
        return _WRONG, Why.NO_AUTHORIZATION
    if facts.authorization is Stored.UNREADABLE:
        return _WRONG, Why.AUTHORIZATION_UNREADABLE
    if not facts.is_https:
        return _ATTENTION, Why.SEEN_WITHOUT_HTTPS if facts.webhook_seen_at else Why.NO_HTTPS
    if facts.webhook_seen_at is not None:
        return _DONE, Why.WEBHOOK_SEEN
    return _TO_DO, Why.NO_WEBHOOK_SINCE_ROTATION if facts.is_rotating else Why.NO_WEBHOOK


def _events(facts: Facts) -> tuple[StepState, Why]:
    if facts.names_clash:
        return _WRONG, Why.NAMES_CLASH
    if facts.names > MOST_EVENT_NAMES:
        return _WRONG, Why.TOO_MANY_NAMES
    return _DONE, Why.EVENTS_CHOSEN


def _test(facts: Facts) -> tuple[StepState, Why]:
    """The newer of the two counts: the newest test, or what was delivered after it was sent."""
    tested, delivered = facts.tested, facts.delivered_at
    statuses = set(tested.statuses) if tested else set()
    if statuses == {DeliveryStatus.DELIVERED}:
        return _DONE, Why.TEST_DELIVERED
    if delivered is not None and (not statuses or tested is None or delivered > tested.at):
        return _DONE, Why.DELIVERED
    if DeliveryStatus.FAILED in statuses:
        return _WRONG, Why.TEST_FAILED
    if DeliveryStatus.PENDING in statuses:
        return _TO_DO, Why.TEST_PENDING
    return _TO_DO, Why.TEST_SKIPPED if statuses else Why.NOTHING_SENT
