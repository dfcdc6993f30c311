"""How each project's sending goes at this moment: what waits, since when, how fast it goes, what Intercom allows.

One statement, with a bounded look at each project: so much is read of it, and no more, whatever waits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

# So many pending deliveries of a project are looked at; where there are more, what is said of them is "at least".
MOST_LOOKED_AT = 20_000
# More than could be settled within a minute.
MOST_SETTLED = 60_000
_MINUTE = timedelta(minutes=1)

# The headers of the last call of the newest delivery that got through: what Intercom's budget was then. Nothing is
# stored for it.
_SENDING = """
SELECT project.id, waits.looked_at, waits.due, waits.retrying, waits.oldest, done.count,
    newest.headers ->> 'x-ratelimit-limit', newest.headers ->> 'x-ratelimit-remaining',
    newest.headers ->> 'x-ratelimit-reset'
FROM unnest(%(projects)s::uuid[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT count(*) AS looked_at, count(*) FILTER (WHERE due_at <= %(now)s) AS due, min(created_at) AS oldest,
        count(*) FILTER (WHERE tries > 0 AND created_at >= %(since)s
            AND (%(environment)s = '' OR environment = %(environment)s)) AS retrying
    FROM (
        SELECT due_at, created_at, tries, environment FROM integration_delivery
        WHERE project_id = project.id AND status = 'pending' ORDER BY due_at, id LIMIT %(most)s
    ) AS pending
) AS waits
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM integration_delivery
        WHERE project_id = project.id AND status IN ('delivered', 'skipped', 'failed') AND finished_at >= %(lately)s
        LIMIT %(most_settled)s
    ) AS settled
) AS done (count)
LEFT JOIN LATERAL (
    SELECT exchange.headers FROM (
        SELECT id FROM integration_delivery
        WHERE project_id = project.id AND status = 'delivered' AND finished_at IS NOT NULL
        ORDER BY finished_at DESC LIMIT 1
    ) AS delivery
    JOIN integration_deliveryattempt AS attempt ON attempt.delivery_id = delivery.id
    CROSS JOIN LATERAL (SELECT attempt.exchanges -> -1 -> 'headers') AS exchange (headers)
    ORDER BY attempt.id DESC LIMIT 1
) AS newest ON true
"""


@dataclass(frozen=True, slots=True)
class Sending:
    """One project: of at most MOST_LOOKED_AT pending deliveries, how many are due and how many were tried before.

    `retrying` is of the window that was asked for. `limit` calls may be made in a window of Intercom's, and `left` of
    them were left until `resets_at`, by its newest answer that is known.
    """

    looked_at: int
    due: int
    retrying: int
    oldest: datetime | None
    done_in_a_minute: int
    limit: int | None = None
    left: int | None = None
    resets_at: int | None = None

    @property
    def is_cut(self) -> bool:
        """Whether there may be more than was looked at."""
        return self.looked_at >= MOST_LOOKED_AT


def sending(
    projects: Collection[UUID], now: datetime, *, since: datetime, environment: str = ""
) -> dict[UUID, Sending]:
    """Each of these projects; `since` and `environment` say which retries are counted."""
    values: dict[str, object] = {
        "projects": list(projects),
        "now": now,
        "since": since,
        "environment": environment,
        "lately": now - _MINUTE,
        "most": MOST_LOOKED_AT,
        "most_settled": MOST_SETTLED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SENDING, values)  # type: ignore[arg-type]
        return {row[0]: Sending(*row[1:6], *map(_number, row[6:])) for row in cursor.fetchall()}


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 12 else None
