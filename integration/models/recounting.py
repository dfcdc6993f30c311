"""Counts the hours whose deliveries have changed, in steps that anybody may end at any time.

Reads deliveries and locks none: neither the door nor the drain waits for it. An hour is counted in a transaction of its
own, in which what says that it is stale goes first: whatever is committed later leaves a note of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Min

from integration.figures import HOUR, floor_hour
from integration.models.deliveries import Delivery
from integration.models.tallies import CountedHour, CountingState, HourlyCount, HourlyLatency, StaleHour

# The longest range of the front page, and a day more for every time zone.
HORIZON = timedelta(days=32)
# What is settled is written down a moment after its time, by a clock that may be off: so far it is looked back.
MARGIN = timedelta(minutes=2)
# Whatever was missed (a clock that is far off, rows changed by hand) is found within some hours: each time the hour
# that was not looked at for longest is counted anew, but not within this.
LOOKED_AT = timedelta(hours=1)

# The class of a latency; integration.figures.latency.class_of says the same.
CLASS_NUMBER = (
    "floor(ln(greatest(extract(epoch FROM finished_at - created_at)::float8 * 1000, 1)) / ln(2::float8) * 4)::int"
)
# History that is brought in comes due later than it arrives, and what is redelivered ends later than it did: neither
# says how quick the app is.
TOOK_ITS_TIME = "status = 'delivered' AND finished_at IS NOT NULL AND NOT contact_only AND NOT redelivered"

_COUNT = """
INSERT INTO integration_hourlycount (project_id, hour, environment, status, reason, event_type, count)
SELECT project_id, %(hour)s, environment, status, CASE WHEN status = 'pending' THEN '' ELSE reason END AS why,
    CASE WHEN status = 'pending' THEN '' ELSE event_type END AS what, count(*)
FROM integration_delivery WHERE created_at >= %(hour)s AND created_at < %(end)s
GROUP BY project_id, environment, status, why, what
"""
_LATENCY = f"""
INSERT INTO integration_hourlylatency (project_id, hour, environment, class_number, count)
SELECT project_id, %(hour)s, environment, {CLASS_NUMBER} AS class_number, count(*)
FROM integration_delivery WHERE created_at >= %(hour)s AND created_at < %(end)s AND {TOOK_ITS_TIME}
GROUP BY project_id, environment, 4
"""  # noqa: S608
# By the index of what is settled, project by project and status by status.
_NOTE_SETTLED = """
INSERT INTO integration_stalehour (hour)
SELECT DISTINCT date_trunc('hour', settled.created_at, 'UTC')
FROM integration_project AS project
CROSS JOIN (VALUES ('delivered'), ('skipped'), ('failed')) AS known (status)
CROSS JOIN LATERAL (
    SELECT created_at FROM integration_delivery
    WHERE project_id = project.id AND status = known.status AND finished_at >= %(since)s
) AS settled
WHERE settled.created_at < %(before)s
"""


def first_live(now: datetime) -> datetime:
    """From this hour on nothing is counted beforehand: the hour that is running, and the last one."""
    return floor_hour(now - HOUR)


def oldest_counted(now: datetime) -> datetime:
    """The first hour that is counted: that of the oldest delivery, but not longer ago than anybody looks."""
    horizon = floor_hour(now - HORIZON)
    oldest = Delivery.objects.aggregate(Min("created_at"))["created_at__min"]
    return first_live(now) if oldest is None else max(floor_hour(oldest), horizon)


def count_on(now: datetime, *, go_on: Callable[[], bool]) -> int:
    """Count what is due, newest hours first, while `go_on` says so. Returns how many hours were counted."""
    _note_settled(now)
    _forget_old(now)
    counted = 0
    for hour in _due(now):
        recount(hour, now)
        counted += 1
        if not go_on():
            break
    CountingState.objects.filter(pk=CountingState.ONLY).update(ran_at=now)
    return counted


def recount(hour: datetime, now: datetime) -> None:
    """Count one hour anew."""
    values = {"hour": hour, "end": hour + HOUR}
    with transaction.atomic():
        # The row is locked by this: of two who count the same hour, one waits for the other.
        CountedHour.objects.update_or_create(hour=hour, defaults={"counted_at": now})
        StaleHour.objects.filter(hour=hour).delete()
        HourlyCount.objects.filter(hour=hour).delete()
        HourlyLatency.objects.filter(hour=hour).delete()
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, values)
            cursor.execute(_LATENCY, values)


def _note_settled(now: datetime) -> None:
    """Note the hours of which something was settled since the last time; the first time all are missing anyway."""
    with transaction.atomic():
        known = {"settled_until": now, "ran_at": now}
        state, is_new = CountingState.objects.select_for_update().get_or_create(pk=CountingState.ONLY, defaults=known)
        if not is_new:
            values = {"since": state.settled_until - MARGIN, "before": first_live(now)}
            with connection.cursor() as cursor:
                cursor.execute(_NOTE_SETTLED, values)
        state.settled_until = now
        state.save(update_fields=["settled_until"])


def _forget_old(now: datetime) -> None:
    """Delete what nobody looks at any more, and notes of hours that are not counted beforehand."""
    oldest = oldest_counted(now)
    StaleHour.objects.filter(hour__gte=first_live(now)).delete()
    for model in (HourlyCount, HourlyLatency, CountedHour, StaleHour):
        model.objects.filter(hour__lt=oldest).delete()


def _due(now: datetime) -> list[datetime]:
    stale = set(StaleHour.objects.values_list("hour", flat=True).distinct())
    counted = dict(CountedHour.objects.values_list("hour", "counted_at"))
    missing = [hour for hour in _hours(oldest_counted(now), first_live(now)) if hour not in counted]
    looked_at = min(counted, key=lambda hour: counted[hour], default=None)
    look = [looked_at] if looked_at is not None and counted[looked_at] < now - LOOKED_AT else []
    return list(dict.fromkeys([*sorted(stale, reverse=True), *reversed(missing), *look]))


def _hours(first: datetime, end: datetime) -> list[datetime]:
    return [first + HOUR * number for number in range(int((end - first) / HOUR))]


def newest_counted() -> datetime | None:
    """The newest hour that was counted."""
    newest: datetime | None = CountedHour.objects.aggregate(Max("hour"))["hour__max"]
    return newest
