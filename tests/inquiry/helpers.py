"""
Customers who were told of, and comparisons of them in this process.
"""

from __future__ import annotations

import threading
from typing import Any

from django.utils import timezone

from integration.inquiry.comparing import Slice, go_on
from integration.models import Project, Reconciliation
from tests.factories import DAY_MS, receive, run_drain


def now_ms() -> int:
    """Whole seconds, as ends are compared."""
    return int(timezone.now().timestamp()) * 1000


def told(project: Project, *people: str, **fields: Any) -> int:
    """A renewal of each of these people, told to Intercom; the end that was told, in unix milliseconds."""
    at = now_ms() - 3_600_000
    event = {"event_timestamp_ms": at, "expiration_at_ms": at + 30 * DAY_MS} | fields
    for person in people:
        receive(project, app_user_id=person, aliases=[person], **event)
    run_drain(project)
    return int(event["expiration_at_ms"])


def begin(project: Project, *, days: int = 7, repair: bool = False) -> Reconciliation:
    """A comparison that nobody is at."""
    return Reconciliation.begin(project, days=days, repair=repair, now=timezone.now())


def compare(run: Reconciliation, **options: Any) -> Slice:
    """Go on with it, in this process."""
    options.setdefault("stop", threading.Event())
    done = go_on(run, now=timezone.now, **options)
    run.refresh_from_db()
    return done


def counts(run: Reconciliation) -> tuple[int, int, int, int]:
    """What came of it."""
    return run.compared, run.differing, run.repaired, run.left_out
