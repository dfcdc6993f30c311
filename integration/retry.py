"""Judges one try: settle(outcome, tries, now, jitter) -> Settlement. Pure; time and chance come in as arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from integration.intercom.errors import (
    AmbiguousContactError,
    AttributeProblemError,
    ContactMissingError,
    CredentialsError,
    HoldingError,
    IntercomError,
    RateLimitedError,
    RejectedError,
)

# The waits after the first, second, … try that failed for a reason that time heals. Two days in all.
SCHEDULE: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
MOST_TRIES = len(SCHEDULE) + 1
# Jitter only adds: up to this share of the wait, so that a thousand failures do not come back as one.
JITTER_SHARE = 0.2
# Intercom counts calls in windows of ten seconds; this is for a 429 that names no reset time.
RATE_LIMIT_PAUSE = timedelta(seconds=10)
# A reset time further off than this is a clock that is wrong, here or there.
LONGEST_RATE_LIMIT_PAUSE = timedelta(seconds=120)
SHORTEST_RATE_LIMIT_PAUSE = timedelta(seconds=1)
CONTACT_MAY_APPEAR = "Contacts often appear in Intercom a little later, so it is tried again."


class DeliveryStatus(StrEnum):
    """Where a delivery stands. `pending` is owed; the others are settled."""

    PENDING = "pending"
    DELIVERED = "delivered"
    SKIPPED = "skipped"
    FAILED = "failed"


class AttemptOutcome(StrEnum):
    """How one try ended."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REJECTED = "rejected"
    CREDENTIALS = "credentials"
    ATTRIBUTES = "attributes"
    RATE_LIMITED = "rate_limited"
    AMBIGUOUS = "ambiguous"
    INTERRUPTED = "interrupted"
    CRASHED = "crashed"
    # No try at all: what would be sent was written down, and nothing was sent.
    REHEARSED = "rehearsed"


@dataclass(frozen=True, slots=True)
class Delivered:
    """Intercom took everything there was to say."""


@dataclass(frozen=True, slots=True)
class Crashed:
    """Our own code failed, unforeseen; `message` names the error, the traceback is kept with the attempt."""

    message: str


Outcome = Delivered | IntercomError | Crashed


@dataclass(frozen=True, slots=True)
class Hold:
    """Stop the project: until `until`, or until the operator resumes it where that is None."""

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a delivery after one try; pending with `due_at` to come, or pending and held."""

    outcome: AttemptOutcome
    status: DeliveryStatus
    error: str = ""
    due_at: datetime | None = None
    # Set where the try was not the delivery's fault: it does not count, the delivery takes its old place in
    # the order again, and the hold keeps the whole project back.
    hold: Hold | None = None
    # Several contacts could be meant: pending, without a next try, until somebody chooses.
    candidates: tuple[dict[str, str], ...] = ()


def settle(outcome: Outcome, *, tries: int, now: datetime, jitter: float) -> Settlement:
    """Decide what follows from `outcome` of try number `tries` (1 for the first); `jitter` lies in [0, 1)."""
    match outcome:
        case Delivered():
            return Settlement(AttemptOutcome.DELIVERED, DeliveryStatus.DELIVERED)
        case CredentialsError() | AttributeProblemError():
            is_token = isinstance(outcome, CredentialsError)
            kind = AttemptOutcome.CREDENTIALS if is_token else AttemptOutcome.ATTRIBUTES
            return _hold(kind, outcome, until=None)
        case RateLimitedError():
            return _hold(AttemptOutcome.RATE_LIMITED, outcome, until=_reset(outcome.reset_at, now))
        case AmbiguousContactError():
            return Settlement(
                AttemptOutcome.AMBIGUOUS,
                DeliveryStatus.PENDING,
                outcome.message,
                candidates=tuple(outcome.candidates),
            )
        case RejectedError():
            return Settlement(AttemptOutcome.REJECTED, DeliveryStatus.FAILED, outcome.message)
        case Crashed():
            return _again(AttemptOutcome.CRASHED, outcome.message, tries, now, jitter)
        case ContactMissingError():
            return _again(AttemptOutcome.RETRY, outcome.message, tries, now, jitter, CONTACT_MAY_APPEAR)
        case _:
            return _again(AttemptOutcome.RETRY, outcome.message, tries, now, jitter)


def gave_up_after_interruptions(tries: int) -> Settlement | None:
    """The end of a delivery whose tries all ended with the worker, or None while tries are left."""
    if tries < MOST_TRIES:
        return None
    return Settlement(
        AttemptOutcome.INTERRUPTED,
        DeliveryStatus.FAILED,
        f"Gave up after {tries} tries: at the last one the worker stopped before the outcome was known. "
        "Look at the worker's log, then redeliver.",
    )


def _again(outcome: AttemptOutcome, error: str, tries: int, now: datetime, jitter: float, hope: str = "") -> Settlement:
    if tries >= MOST_TRIES:
        return Settlement(outcome, DeliveryStatus.FAILED, f"Gave up after {tries} tries. {error}")
    wait = SCHEDULE[max(tries, 1) - 1]
    return Settlement(
        outcome,
        DeliveryStatus.PENDING,
        f"{error} {hope}".strip(),
        due_at=now + wait * (1 + JITTER_SHARE * jitter),
    )


def _hold(outcome: AttemptOutcome, error: HoldingError, *, until: datetime | None) -> Settlement:
    return Settlement(outcome, DeliveryStatus.PENDING, error.message, hold=Hold(reason=error.reason, until=until))


def _reset(reset_at: float | None, now: datetime) -> datetime:
    """When to go on after a 429: at the reset, within bounds that survive two clocks that disagree."""
    if reset_at is None:
        return now + RATE_LIMIT_PAUSE
    shortest, longest = SHORTEST_RATE_LIMIT_PAUSE.total_seconds(), LONGEST_RATE_LIMIT_PAUSE.total_seconds()
    # In this order a reset time that is not a number (nan) is the shortest pause.
    return now + timedelta(seconds=min(max(shortest, reset_at - now.timestamp()), longest))
