"""The loop of one drain: claim, send, settle, until nothing is due.

The main thread owns the database; a bounded pool of threads owns the network and sees values only, so no
transaction is ever open during HTTP.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any

import requests
from django.db import DataError, transaction
from django.utils import timezone

from integration.drain.attempt import Access, Attempted, attempt
from integration.drain.claim import Claimed, claim, crash_first
from integration.drain.rehearsal import contact_rules
from integration.drain.settle import settle
from integration.intercom.client import ATTEMPT_SECONDS
from integration.intercom.rate_limit import RateBudget
from integration.models import Project
from integration.models.secrets import SecretUnreadableError
from integration.transport import new_session

logger = logging.getLogger(__name__)

# Enough to use a limit of 10,000 calls a minute although every call takes a quarter of a second.
THREADS = 64
# Answers that come in this close together are written down together: a few statements for all of them.
GATHER_SECONDS = 0.01
# A lease is this much longer than an attempt can last, so that it runs out only when its worker is gone.
LEASE_MARGIN_SECONDS = 15.0
# While every try is as quick as this, so many for each thread are claimed, so that the statements of a claim serve many
# and the threads have work while it waits for the database: with half as many they ran dry. Where Intercom is slow
# nobody waits for a thread: an attempt's time counts from the claim.
QUICK_SECONDS = 0.4
AHEAD = 6
# While calls are in flight, how often to look for what has come due since: a slow answer must not hold it up.
LOOK_SECONDS = 0.05
# A drain that finds nothing due looks on for a while before it ends. At an even pace of webhooks it is awake when the
# next one comes in; and a webhook that saw its bell rung, just before it was committed itself, is still found.
LINGER_SECONDS = 0.2
LINGER_LOOK_SECONDS = 0.02
# After this long a drain steps aside, so that many busy projects share the workers fairly.
SLICE_SECONDS = 30.0
# A rate limit that ends within this time is waited out; a longer one is left to the next ring.
LONGEST_WAIT = timedelta(seconds=15)
NO_TOKEN = "No Intercom access token is set. Paste one on the project's page; sending starts by itself."  # noqa: S105
UNUSABLE_TOKEN = (
    "The Intercom access token has characters that no token has, a line break or an ellipsis perhaps. "  # noqa: S105
    "Paste it again; sending starts by itself."
)


def drain(
    project_id: uuid.UUID,
    *,
    stop: threading.Event,
    now: Callable[[], datetime] = timezone.now,
    chance: Callable[[], float] = random.random,
    threads: int = THREADS,
    slice_seconds: float = SLICE_SECONDS,
    attempt_seconds: float = ATTEMPT_SECONDS,
    linger_seconds: float = 0.0,
) -> bool:
    """Send what is due for the project until nothing is for `linger_seconds`, or it is held, or `stop` is set.

    At most `threads` tries at a time, each `attempt_seconds` long at most. Returns True when there may be
    more to do at once: whoever called rings again.
    """
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        return False
    with new_session(threads) as session, ThreadPoolExecutor(threads, thread_name_prefix="intercom") as pool:
        run = _Drain(
            project=project,
            session=session,
            pool=pool,
            stop=stop,
            now=now,
            chance=chance,
            threads=threads,
            attempt_seconds=attempt_seconds,
        )
        return run.until(time.monotonic() + slice_seconds, linger_seconds)


class _Drain:
    """One run over one project."""

    def __init__(
        self,
        *,
        project: Project,
        session: requests.Session,
        pool: ThreadPoolExecutor,
        stop: threading.Event,
        now: Callable[[], datetime],
        chance: Callable[[], float],
        threads: int,
        attempt_seconds: float,
    ) -> None:
        self._project = project
        self._session = session
        self._pool = pool
        self._stop = stop
        self._now = now
        self._chance = chance
        self._threads = threads
        self._attempt_seconds = attempt_seconds
        self._lease = timedelta(seconds=attempt_seconds + LEASE_MARGIN_SECONDS)
        self._budget = RateBudget()
        # Which customer each try is for: two of one customer are never under way together.
        self._in_flight: dict[Future[Attempted], str] = {}
        self._is_quick = False

    def until(self, deadline: float, linger_seconds: float) -> bool:
        """Claim, send and settle until there is nothing to do for so long, or `deadline` (monotonic seconds)."""
        worked_at = time.monotonic()
        while True:
            stopping = self._stop.is_set() or time.monotonic() >= deadline
            may_send = not stopping and self._may_send()
            claimed = self._claim() if may_send else 0
            if claimed or self._in_flight:
                worked_at = time.monotonic()
            if self._in_flight:
                self._settle_finished()
            elif stopping:
                return not self._stop.is_set()
            elif may_send and not claimed and time.monotonic() < worked_at + linger_seconds:
                self._stop.wait(LINGER_LOOK_SECONDS)
            elif not claimed and not self._wait_out_hold():
                return False

    def _may_send(self) -> bool:
        """Read the settings afresh: what an operator changed applies to what is pending."""
        project = Project.objects.prefetch_related("event_settings").filter(pk=self._project.pk).first()
        if project is None:
            return False
        self._project = project
        return project.active and not project.is_held(self._now())

    def _wait_out_hold(self) -> bool:
        """Wait for the end of a short hold. Returns False when there is none, or it is long."""
        until = self._project.held_until
        if not self._project.active or until is None or not self._project.is_held(self._now()):
            return False
        left = until - self._now()
        if left > LONGEST_WAIT:
            return False
        self._stop.wait(max(left.total_seconds(), 0))
        return True

    def _claim(self) -> int:
        """Take what is due into the free threads. Returns how many deliveries left the queue."""
        free = self._threads * (AHEAD if self._is_quick else 1) - len(self._in_flight)
        access = self._access() if free > 0 else None
        if access is None:
            return 0
        claimed = self._claim_and_set_apart(free)
        for work in claimed.works:
            future = self._pool.submit(attempt, work, access, self._now)
            self._in_flight[future] = work.claim.delivery.app_user_id
        return claimed.count

    def _claim_and_set_apart(self, limit: int) -> Claimed:
        """Claim; where what comes of a delivery cannot be written, one by one, so that it holds up no other."""
        now = self._now()
        options: dict[str, Any] = {
            "busy": list(self._in_flight.values()),
            "now": now,
            "lease": now + self._lease,
            "chance": self._chance,
        }
        for most in (limit, 1):
            try:
                with transaction.atomic():
                    return claim(self._project, limit=most, **options)
            except DataError as error:
                logger.error("project %s: a claim could not be written (%s)", self._project.pk, type(error).__name__)
                unwritable = error
        with transaction.atomic():
            return Claimed(crash_first(self._project, unwritable, **options), [])

    def _access(self) -> Access | None:
        """How to reach Intercom, or None after holding the project because there is no usable token."""
        try:
            token = self._project.intercom_token.reveal()
        except SecretUnreadableError as error:
            self._hold(str(error))
            return None
        if not token:
            self._hold(NO_TOKEN)
            return None
        if not (token.isascii() and token.isprintable()):
            # No header can carry it, and the error that says so would name it.
            self._hold(UNUSABLE_TOKEN)
            return None
        return Access(
            session=self._session,
            base_url=self._project.intercom_url,
            budget=self._budget,
            rules=contact_rules(self._project, self._project.policy()),
            token=token,
            token_since=self._project.intercom_token_changed_at,
            deadline=time.monotonic() + self._attempt_seconds,
        )

    def _hold(self, reason: str) -> None:
        # Whoever replaced the token meanwhile has mended it already.
        self._project.hold(reason, self._now(), until=None, token_since=self._project.intercom_token_changed_at)
        logger.warning("project %s is held: %s", self._project.pk, reason)

    def _settle_finished(self) -> None:
        """Wait a moment for tries to end, and write down all that have."""
        done, others = wait(self._in_flight, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        if done and others:
            done |= wait(others, timeout=GATHER_SECONDS).done
        if done:
            results = [future.result() for future in done]
            settle(self._project, results, now=self._now(), chance=self._chance)
            self._is_quick = all(result.log.seconds_of_calls < QUICK_SECONDS for result in results)
        for future in done:
            del self._in_flight[future]
