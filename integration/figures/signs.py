"""Signs that a project needs somebody: it has gone silent, or nothing gets through. Pure, and simple to explain.

docs/operations.md says the same in words for those who see the banners.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from integration.figures.windows import HOUR, floor_hour

# What a project received in the week before its newest webhook is its habit.
HABIT = timedelta(days=7)
FEWEST_RECEIVED, FEWEST_DAYS = 7, 3
SHORTEST_SILENCE = 2 * HOUR
# So many times its longest pause of that week is unusual.
UNUSUAL = 2

LONG_STUCK = timedelta(minutes=15)
FEWEST_STUCK = 3


def is_silent(hours: Mapping[datetime, int], newest: datetime, now: datetime) -> bool:
    """Whether nothing has come since `newest` for an unusually long time; `hours` is how many came in which hour.

    Only who received at least seven webhooks, on at least three days (of UTC) of the week before, has a habit at all.
    The time is unusual when it is longer than two hours, and than twice the longest pause of that week.
    """
    last = floor_hour(newest)
    week = sorted(hour for hour, count in hours.items() if count and last - HABIT <= hour <= last)
    days = {hour.date() for hour in week}
    if sum(hours[hour] for hour in week) < FEWEST_RECEIVED or len(days) < FEWEST_DAYS:
        return False
    pauses = [after - before for before, after in pairwise(week)]
    return now - newest > max(UNUSUAL * max(pauses), SHORTEST_SILENCE)


def stuck_since(
    *, retrying: int, oldest: datetime | None, delivered: datetime | None, now: datetime
) -> datetime | None:
    """Since when nothing has got through, where that is a sign of something: three and more are tried again.

    `oldest` is when the oldest of those arrived, and `delivered` when one was last delivered. None while it is shorter
    than a quarter of an hour.
    """
    if oldest is None or retrying < FEWEST_STUCK:
        return None
    since = oldest if delivered is None else max(oldest, delivered)
    return since if now - since >= LONG_STUCK else None
