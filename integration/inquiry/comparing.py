"""Compares the customers of a project, one after the other, with what RevenueCat says of their subscriptions now.

How far it has come stands in the Reconciliation row, so that it can be stopped at any customer and gone on with later,
by anybody. Evenly paced and in slices: webhooks and deliveries do not wait for it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from integration.inquiry.access import api_of
from integration.inquiry.judging import Verdict, judge
from integration.inquiry.subjects import Subject, asked_environment, compared_attributes, subjects_of
from integration.models import Customer, Project, Reconciliation
from integration.revenuecat.api import CALL_SECONDS, RevenueCatApi
from integration.revenuecat.errors import (
    RateLimitedError,
    RefusedError,
    RevenueCatError,
    UnavailableError,
    UnusableError,
)
from integration.revenuecat.subscriptions import Subscription
from integration.transport import new_session

logger = logging.getLogger(__name__)

DAYS, MOST_DAYS = 7, 365
# Then it steps aside, so that other projects come to their turn.
SLICE_SECONDS = 30.0
# So many customers are read at a time.
BATCH = 100
# RevenueCat is asked so often about one customer before they are left out; with so long a wait in between.
TRIES, PAUSE_SECONDS = 3, 2.0
# Enough for the customer that a slice ends with, and for asking about nobody, however slow the answers are.
LAST_CUSTOMER_SECONDS = (TRIES + 1) * (CALL_SECONDS + PAUSE_SECONDS)
# An App User ID that nobody has: RevenueCat answers 404, and makes no customer.
NOBODY = "rcintercom asks about nobody"
# When to look again whether somebody else has come to the end.
LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Slice:
    """What became of a slice: whether there is more to do, after how many seconds, and whether deliveries are due."""

    more: bool
    wait_seconds: float = 0.0
    must_ring: bool = False


def go_on(
    run: Reconciliation,
    *,
    stop: threading.Event,
    now: Callable[[], datetime],
    seconds: float = SLICE_SECONDS,
) -> Slice:
    """Compare until all customers are, or for `seconds`, or until `stop`; nothing while another process is at it.

    Never raises a RevenueCatError: what stopped it stands in `run.problem`.
    """
    if run.finished_at is not None:
        return Slice(more=False)
    if not run.take(now()):
        # Somebody else is at it, or was killed at it not long ago.
        return Slice(more=True, wait_seconds=LOOK_SECONDS)
    repaired_before = run.repaired
    try:
        with new_session(1) as session:
            project = Project.objects.get(pk=run.project_id)
            api = api_of(project, session, seconds=seconds + LAST_CUSTOMER_SECONDS, sleep=stop.wait)
            done = _Comparison(run, project, api, stop, now).until(time.monotonic() + seconds)
    except RateLimitedError as error:
        run.leave()
        return Slice(more=True, wait_seconds=error.seconds, must_ring=run.repaired > repaired_before)
    except RevenueCatError as error:
        logger.warning("the comparison of project %s stopped: %s", run.project_id, error.message)
        run.leave(problem=error.message)
        return Slice(more=False, must_ring=run.repaired > repaired_before)
    run.leave(finished_at=now() if done else None)
    if done:
        logger.info("project %s was compared with RevenueCat: %s", run.project_id, run.counts)
    return Slice(more=not done, must_ring=run.repaired > repaired_before)


class _Comparison:
    """One slice of one run."""

    def __init__(
        self,
        run: Reconciliation,
        project: Project,
        api: RevenueCatApi,
        stop: threading.Event,
        now: Callable[[], datetime],
    ) -> None:
        self._run = run
        self._project = project
        self._api = api
        self._stop = stop
        self._now = now
        self._names = compared_attributes(project)
        self._environment = asked_environment(project)

    def until(self, deadline: float) -> bool:
        """Compare until `deadline` (monotonic seconds); whether all customers have been compared."""
        for subject in self._subjects():
            if self._stop.is_set() or time.monotonic() >= deadline:
                return False
            self._count(self._compared_or_left_out(subject))
            self._run.after = subject.customer.app_user_id
            self._run.keep(self._now())
        return True

    def _compared_or_left_out(self, subject: Subject) -> Verdict:
        """One customer whom RevenueCat cannot tell of must not keep all others; where it tells of nobody, it stops."""
        try:
            return self._compared(subject)
        except RateLimitedError:
            raise
        except UnavailableError as error:
            self._refuse_to_go_on_without_answers(error)
            logger.warning(
                "a customer of project %s was left out of the comparison: %s", self._run.project_id, error.message
            )
            return Verdict.LEFT_OUT

    def _refuse_to_go_on_without_answers(self, error: UnavailableError) -> None:
        """Raise `error` where RevenueCat does not answer about anybody else either."""
        try:
            self._api.subscriptions(NOBODY)
        except RateLimitedError:
            raise
        except UnavailableError:
            raise error from None

    def _subjects(self) -> Iterator[Subject]:
        """Those who had an event within the days, in the order of their ids."""
        since = self._run.started_at - timedelta(days=self._run.days)
        rows = Customer.objects.filter(project=self._project, last_event_at_ms__gte=int(since.timestamp() * 1000))
        while batch := list(rows.filter(app_user_id__gt=self._run.after).order_by("app_user_id")[:BATCH]):
            yield from subjects_of(batch)

    def _compared(self, subject: Subject) -> Verdict:
        asked_at = self._now()
        try:
            subscriptions = self._ask(subject.app_user_id)
        except RefusedError:
            return Verdict.LEFT_OUT
        if subscriptions is None:
            return Verdict.LEFT_OUT
        return judge(subject, subscriptions, self._names, asked_at=asked_at, repair=self._run.repair)

    def _ask(self, app_user_id: str) -> list[Subscription] | None:
        for _ in range(TRIES - 1):
            try:
                return self._api.subscriptions(app_user_id, environment=self._environment)
            except (RateLimitedError, UnusableError):
                raise
            except UnavailableError:
                self._stop.wait(PAUSE_SECONDS)
        return self._api.subscriptions(app_user_id, environment=self._environment)

    def _count(self, verdict: Verdict) -> None:
        if verdict is Verdict.LEFT_OUT:
            self._run.left_out += 1
            return
        self._run.compared += 1
        self._run.differing += verdict is not Verdict.AGREES
        self._run.repaired += verdict is Verdict.REPAIRED
