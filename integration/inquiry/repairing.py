"""Repairs one discrepancy while somebody waits in front of its page: RevenueCat is asked anew, as things are now.

A comparison does the same for all customers of a project (`comparing`), and a worker does that.
"""

from __future__ import annotations

from datetime import datetime

from integration.inquiry.access import api_of
from integration.inquiry.judging import Verdict, judge
from integration.inquiry.subjects import asked_environment, compared_attributes, subjects_of
from integration.models import Discrepancy
from integration.transport import new_session

SECONDS = 25.0


def repair_one(row: Discrepancy, now: datetime, *, seconds: float = SECONDS) -> Verdict:
    """Ask about its customer, and take over what RevenueCat says. Raises a RevenueCatError, and changes nothing then.

    Whoever calls rings for the project where it was repaired.
    """
    project = row.project
    names = compared_attributes(project)
    [subject] = subjects_of([row.customer])
    with new_session(1) as session:
        api = api_of(project, session, seconds=seconds)
        subscriptions = api.subscriptions(subject.app_user_id, environment=asked_environment(project))
    if subscriptions is None:
        return Verdict.LEFT_OUT
    return judge(subject, subscriptions, names, asked_at=now, repair=True)
