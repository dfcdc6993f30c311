"""When a backlog will be gone: from how fast it goes, or from what Intercom's rate limit lets out. Pure."""

from __future__ import annotations

from datetime import timedelta

# Intercom's windows (https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting).
WINDOW = timedelta(seconds=10)
# What most deliveries cost: the contact and the event.
CALLS_OF_A_DELIVERY = 2
# Fewer than this in a minute say nothing of how fast it could go.
FEWEST_TELLING = 10


def drained_in(backlog: int, *, done_in_a_minute: int, limit: int | None) -> timedelta | None:
    """How long until `backlog` deliveries are sent, if it goes on as now; None where nothing tells.

    `done_in_a_minute` were settled in the minute before; `limit` calls may be made in a window.
    """
    if not backlog:
        return timedelta()
    if done_in_a_minute >= FEWEST_TELLING:
        return timedelta(minutes=backlog / done_in_a_minute)
    if limit:
        return WINDOW * (backlog * CALLS_OF_A_DELIVERY / limit)
    return None
