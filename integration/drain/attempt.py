"""One try, as values in and values out: runs in a thread of its own and must never touch the database."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import requests

from integration.intercom.client import IntercomClient
from integration.intercom.contacts import Contact, ContactRules, tell
from integration.intercom.errors import IntercomError
from integration.intercom.messages import ContactUpdate, DataEvent
from integration.intercom.rate_limit import RateBudget
from integration.mapping import Send
from integration.models import Customer, Delivery, DeliveryAttempt
from integration.models.attempts import AttemptLog
from integration.retry import Crashed, Delivered, Outcome
from integration.storable import storable

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery taken for sending: the lease that settling must match, and the attempt that logs it."""

    delivery: Delivery
    lease: datetime
    attempt: DeliveryAttempt
    customer: Customer
    send: Send


@dataclass(frozen=True, slots=True)
class Work:
    """One claimed delivery, and what to say for it."""

    claim: Claim
    contact: Contact
    update: ContactUpdate
    event: DataEvent | None


@dataclass(frozen=True, slots=True)
class Attempted:
    """How one try ended, and what it learnt of the contact."""

    claim: Claim
    outcome: Outcome
    contact: Contact
    log: AttemptLog
    token_since: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one project's workspace; `token_since` says which token it is. Its repr does not show it."""

    session: requests.Session
    base_url: str
    budget: RateBudget
    rules: ContactRules
    token: str
    token_since: datetime | None
    # In monotonic seconds, and counted from the claim: a try that starts late, because its process was frozen, ends in
    # time all the same, before somebody else takes the delivery over.
    deadline: float

    def __repr__(self) -> str:
        return f"Access({self.base_url})"


@dataclass(frozen=True, slots=True)
class Crash:
    """A failure of our own code, with where it happened."""

    outcome: Crashed
    traceback: str


def attempt(work: Work, access: Access, now: Callable[[], datetime]) -> Attempted:
    """Make the calls; never raises."""
    client = IntercomClient(
        access.session,
        base_url=access.base_url,
        token=access.token,
        budget=access.budget,
        seconds=access.deadline - time.monotonic(),
    )
    result = guarded(partial(_tell, client, work, access.rules))
    log = AttemptLog(
        finished_at=now(),
        exchanges=[exchange.to_json() for exchange in client.exchanges],
        traceback=result.traceback if isinstance(result, Crash) else "",
    )
    outcome = result.outcome if isinstance(result, Crash) else result
    return Attempted(work.claim, outcome, work.contact, log, access.token_since)


def guarded(work: Callable[[], T]) -> T | Crash:
    """Run what concerns one delivery, so that a bug in it cannot stop the others.

    The one place where every exception is caught; the traceback is kept.
    """
    try:
        return work()
    except Exception as error:
        logger.exception("a delivery failed unexpectedly")
        message = f"Unexpected error: {type(error).__name__}: {error}"
        return Crash(Crashed(storable(message)), storable(traceback.format_exc()))


def _tell(client: IntercomClient, work: Work, rules: ContactRules) -> Outcome:
    try:
        tell(client, work.contact, work.update, work.event, rules)
    except IntercomError as error:
        return error
    return Delivered()
