"""
What follows from one try: the whole schedule, what holds a project and until when, and when it is over.

Times are told to `settle`; nothing here waits.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.intercom.errors import (
    ConflictError,
    ContactMissingError,
    CredentialsError,
    IntercomError,
    MergedError,
    NotFoundError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnknownAttributeError,
)
from integration.retry import (
    JITTER_SHARE,
    LONGEST_RATE_LIMIT_PAUSE,
    MOST_TRIES,
    RATE_LIMIT_PAUSE,
    SHORTEST_RATE_LIMIT_PAUSE,
    AttemptOutcome,
    Crashed,
    Delivered,
    DeliveryStatus,
    Outcome,
    Settlement,
    gave_up_after_interruptions,
    settle,
)

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
ALMOST_ONE = math.nextafter(1, 0)
OVERLOADED = TransientError("Intercom answered 503.")

SCHEDULE = [
    (1, timedelta(seconds=5)),
    (2, timedelta(seconds=30)),
    (3, timedelta(minutes=2)),
    (4, timedelta(minutes=10)),
    (5, timedelta(minutes=30)),
    (6, timedelta(hours=1)),
    (7, timedelta(hours=3)),
    (8, timedelta(hours=6)),
    (9, timedelta(hours=12)),
    (10, timedelta(hours=24)),
]


def after(outcome: Outcome, *, tries: int = 1, jitter: float = 0.0) -> Settlement:
    return settle(outcome, tries=tries, now=NOW, jitter=jitter)


# --- Again --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tries", "wait"), SCHEDULE)
@pytest.mark.parametrize("outcome", [OVERLOADED, Crashed("ValueError: x"), ContactMissingError("No contact.")])
def test_after_each_try_that_time_may_heal_there_is_its_wait(outcome: Outcome, tries: int, wait: timedelta) -> None:
    settlement = after(outcome, tries=tries)
    assert settlement.status is DeliveryStatus.PENDING
    assert settlement.due_at == NOW + wait
    assert settlement.hold is None


@pytest.mark.parametrize("tries", [0, -1])
def test_a_try_that_was_not_counted_is_the_first(tries: int) -> None:
    assert after(OVERLOADED, tries=tries).due_at == NOW + timedelta(seconds=5)


def test_the_try_after_the_last_wait_is_the_last_and_says_so() -> None:
    assert len(SCHEDULE) + 1 == MOST_TRIES
    settlement = after(OVERLOADED, tries=MOST_TRIES)
    assert settlement.status is DeliveryStatus.FAILED
    assert settlement.outcome is AttemptOutcome.RETRY
    assert settlement.due_at is None
    assert settlement.error == "Gave up after 11 tries. Intercom answered 503."


@given(st.integers(1, 10), st.floats(0, ALMOST_ONE))
def test_jitter_only_adds_and_at_most_a_fifth(tries: int, jitter: float) -> None:
    wait = SCHEDULE[tries - 1][1]
    due_at = after(OVERLOADED, tries=tries, jitter=jitter).due_at
    assert due_at is not None
    assert NOW + wait <= due_at <= NOW + wait * 1.2


def test_jitter_spreads_over_the_whole_fifth() -> None:
    assert pytest.approx(0.2) == JITTER_SHARE
    assert after(OVERLOADED, jitter=0.5).due_at == NOW + timedelta(seconds=5.5)
    assert after(OVERLOADED, tries=10, jitter=0.5).due_at == NOW + timedelta(hours=26.4)


def test_a_transient_error_is_told_as_it_was_said() -> None:
    settlement = after(OVERLOADED)
    assert (settlement.outcome, settlement.error) == (AttemptOutcome.RETRY, "Intercom answered 503.")


def test_a_missing_contact_says_why_it_is_worth_waiting() -> None:
    settlement = after(ContactMissingError("No contact in Intercom has the external id 7."))
    assert settlement.error == (
        "No contact in Intercom has the external id 7. "
        "Contacts often appear in Intercom a little later, so it is tried again."
    )


def test_a_contact_that_never_appeared_ends_without_a_promise_to_try_again() -> None:
    settlement = after(ContactMissingError("No contact in Intercom has the external id 7."), tries=MOST_TRIES)
    assert settlement.status is DeliveryStatus.FAILED
    assert settlement.error == "Gave up after 11 tries. No contact in Intercom has the external id 7."


def test_a_crash_is_told_apart_and_tried_again() -> None:
    settlement = after(Crashed("Unexpected error: KeyError: 'x'"))
    assert settlement.outcome is AttemptOutcome.CRASHED
    assert settlement.error == "Unexpected error: KeyError: 'x'"
    assert after(Crashed("Bug."), tries=MOST_TRIES).status is DeliveryStatus.FAILED


# --- Over ---------------------------------------------------------------------------------------------


def test_what_was_delivered_is_delivered() -> None:
    assert after(Delivered()) == Settlement(AttemptOutcome.DELIVERED, DeliveryStatus.DELIVERED)
    assert after(Delivered(), tries=MOST_TRIES).status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize(
    "error",
    [
        RejectedError("No."),
        NotFoundError("No."),
        MergedError("No.", canonical_id=None),
        ConflictError("No.", contact_id=None, archived=False),
        UnknownAttributeError("No.", name="x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_rejected_fails_at_once(error: RejectedError) -> None:
    assert after(error) == Settlement(AttemptOutcome.REJECTED, DeliveryStatus.FAILED, "No.")


@pytest.mark.parametrize("tries", [0, 1, MOST_TRIES - 1])
def test_a_delivery_that_was_interrupted_goes_on_while_tries_are_left(tries: int) -> None:
    assert gave_up_after_interruptions(tries) is None


@pytest.mark.parametrize("tries", [MOST_TRIES, MOST_TRIES + 3])
def test_a_delivery_that_kills_its_workers_does_not_loop_for_ever(tries: int) -> None:
    settlement = gave_up_after_interruptions(tries)
    assert settlement is not None
    assert (settlement.outcome, settlement.status) == (AttemptOutcome.INTERRUPTED, DeliveryStatus.FAILED)
    assert settlement.error.startswith(f"Gave up after {tries} tries")
    assert "worker's log" in settlement.error


# --- Held ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tries", [1, MOST_TRIES, MOST_TRIES + 1])
def test_a_refused_token_holds_the_project_until_the_operator_resumes_it(tries: int) -> None:
    settlement = after(CredentialsError("Token refused."), tries=tries)
    assert (settlement.outcome, settlement.status) == (AttemptOutcome.CREDENTIALS, DeliveryStatus.PENDING)
    assert settlement.hold is not None
    assert (settlement.hold.reason, settlement.hold.until) == ("Token refused.", None)
    assert settlement.due_at is None


def held_for(reset_at: float | None, *, tries: int = 1) -> timedelta:
    """For how long a 429 with that reset time holds the project."""
    settlement = after(RateLimitedError("Too fast.", reset_at=reset_at), tries=tries)
    assert (settlement.outcome, settlement.status) == (AttemptOutcome.RATE_LIMITED, DeliveryStatus.PENDING)
    assert settlement.hold is not None
    assert settlement.hold.until is not None
    return settlement.hold.until - NOW


@pytest.mark.parametrize(
    ("in_seconds", "pause"),
    [
        (7.5, timedelta(seconds=7.5)),
        (1, timedelta(seconds=1)),
        (120, timedelta(seconds=120)),
        (121, timedelta(seconds=120)),
        (86_400, timedelta(seconds=120)),
        (0.2, timedelta(seconds=1)),
        (0, timedelta(seconds=1)),
        (-86_400, timedelta(seconds=1)),
    ],
)
def test_a_rate_limit_holds_until_its_reset_within_bounds(in_seconds: float, pause: timedelta) -> None:
    found = held_for(NOW.timestamp() + in_seconds)
    assert abs(found - pause) < timedelta(milliseconds=1)


def test_a_rate_limit_that_names_no_reset_holds_for_one_window() -> None:
    assert held_for(None) == RATE_LIMIT_PAUSE == timedelta(seconds=10)


def test_a_rate_limit_never_uses_up_the_last_try() -> None:
    assert held_for(None, tries=MOST_TRIES) == RATE_LIMIT_PAUSE


@pytest.mark.parametrize("reset_at", [math.inf, -math.inf, math.nan, 1e300, -1e300, 1e17, 0.0], ids=str)
def test_a_reset_time_that_is_nonsense_is_bounded_all_the_same(reset_at: float) -> None:
    assert held_for(reset_at) in (SHORTEST_RATE_LIMIT_PAUSE, LONGEST_RATE_LIMIT_PAUSE)


# --- Whatever happens ---------------------------------------------------------------------------------

messages = st.text(max_size=20)
errors: st.SearchStrategy[IntercomError] = st.one_of(
    st.builds(TransientError, messages),
    st.builds(ContactMissingError, messages),
    st.builds(CredentialsError, messages),
    st.builds(RejectedError, messages),
    st.builds(NotFoundError, messages),
    st.builds(MergedError, messages, canonical_id=st.none() | messages),
    st.builds(RateLimitedError, messages, reset_at=st.none() | st.floats()),
    st.builds(IntercomError, messages),
)
outcomes: st.SearchStrategy[Outcome] = errors | st.builds(Crashed, messages) | st.just(Delivered())


@given(outcomes, st.integers(-1, 30), st.floats(0, ALMOST_ONE))
def test_every_outcome_is_settled_and_what_is_pending_is_never_forgotten(
    outcome: Outcome, tries: int, jitter: float
) -> None:
    settlement = settle(outcome, tries=tries, now=NOW, jitter=jitter)
    if settlement.status is DeliveryStatus.PENDING:
        assert (settlement.due_at is None) != (settlement.hold is None), "due, or held, and never both"
        if settlement.due_at is not None:
            assert settlement.due_at > NOW
            assert tries < MOST_TRIES
        elif settlement.hold is not None and settlement.hold.until is not None:
            assert settlement.hold.until > NOW
    else:
        assert settlement.status in (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED)
        assert (settlement.due_at, settlement.hold) == (None, None)
    assert (settlement.status is DeliveryStatus.DELIVERED) == isinstance(outcome, Delivered)
    assert settle(outcome, tries=tries, now=NOW, jitter=jitter) == settlement
