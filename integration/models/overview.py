"""What the front page asks: a handful of questions, whatever the number of deliveries and of projects.

Hours that have been counted come from `HourlyCount`; the running hour and the last one are counted as they are now, so
that the last sixty minutes are exact. Looks at no more than a bounded number of pending deliveries of each project.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Case, Count, DateTimeField, DurationField, F, Func, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import RawSQL

from integration.figures import HOUR, Tally, Window
from integration.models.deliveries import Delivery
from integration.models.recounting import CLASS_NUMBER, first_live, newest_counted, oldest_counted
from integration.models.tallies import CountedHour, CountingState, HourlyCount, HourlyLatency
from integration.retry import DeliveryStatus

# So many hours that should have been counted are counted on the way to the page, while nobody counts them.
MOST_LIVE = 3 * HOUR
# After so long without counting the page says how old its numbers are.
LATE = timedelta(minutes=2)

K = TypeVar("K", bound=Hashable)

_NO_TEXT = Value("")
_SETTLED_ONLY: dict[str, Any] = {
    "what": Case(When(status=DeliveryStatus.PENDING, then=_NO_TEXT), default=F("event_type")),
    "why": Case(When(status=DeliveryStatus.PENDING, then=_NO_TEXT), default=F("reason")),
}


class DateBin(Func):
    """The beginning of the step, counted from an origin, in which a time lies (PostgreSQL 14)."""

    function = "date_bin"
    output_field = DateTimeField()

    def __init__(self, window: Window, field_name: str) -> None:
        step, origin = Value(window.step, DurationField()), Value(window.start, DateTimeField())
        super().__init__(step, F(field_name), origin)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose deliveries: of these projects, None for all, and of one environment, "" for every."""

    projects: Collection[UUID] | None
    environment: str = ""

    def of(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of `rows` that are in it."""
        if self.projects is not None:
            rows = rows.filter(project__in=self.projects)
        return rows.filter(environment=self.environment) if self.environment else rows


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far the counting has come: counted as they are from `live` on; `missing` hours before that are in no number.

    `as_of` is when the hours before `live` were last looked after, where that is too long ago.
    """

    live: datetime
    missing: int
    as_of: datetime | None


@dataclass(slots=True)
class Overview:
    """What was counted in a window, by project: (status, reason, event type), (step, status), classes of latency."""

    kinds: defaultdict[UUID, Counter[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    steps: defaultdict[UUID, Counter[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(Counter))
    latencies: defaultdict[UUID, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def tallies(self, project: UUID | None = None) -> list[Tally]:
        """What became of the deliveries of a project, or of all together."""
        return [Tally(*kind, count) for kind, count in _of(self.kinds, project).items()]

    def over_time(self, project: UUID | None = None) -> Counter[tuple[datetime, str]]:
        """How many of each status arrived in each step."""
        return _of(self.steps, project)

    def latency(self, project: UUID | None = None) -> Counter[int]:
        """How long from received to delivered, as a histogram."""
        return _of(self.latencies, project)


def _of(counts: Mapping[UUID, Counter[K]], project: UUID | None) -> Counter[K]:
    if project is not None:
        return counts.get(project, Counter())
    total: Counter[K] = Counter()
    for one in counts.values():
        total.update(one)
    return total


def coverage(window: Window, now: datetime) -> Coverage:
    """How far the counting has come for this window."""
    newest, live = newest_counted(), first_live(now)
    if newest is not None:
        live = max(min(live, newest + HOUR), live - MOST_LIVE)
    if window.start >= live:
        return Coverage(live, 0, None)
    first = max(window.start, oldest_counted(now))
    wanted = max(int((live - first) / HOUR), 0)
    there = CountedHour.objects.filter(hour__gte=first, hour__lt=live).count() if wanted else 0
    state = CountingState.objects.filter(pk=CountingState.ONLY).first()
    is_late = state is not None and now - state.ran_at > LATE
    return Coverage(live, wanted - there, state.ran_at if state is not None and is_late else None)


def overview(scope: Scope, window: Window, live: datetime) -> Overview:
    """What arrived in the window: counted hours before `live`, and deliveries as they are after it."""
    found = Overview()
    if window.start < live:
        _add(found, window, scope.of(HourlyCount.objects.all()), _hours(window, live), Sum("count"))
        rows = scope.of(HourlyLatency.objects.filter(_hours(window, live)))
        _add_latencies(found, rows.values_list("project", "class_number").annotate(Sum("count")))
    since = Q(created_at__gte=max(window.start, live))
    _add(found, window, scope.of(Delivery.objects.all()), since, Count("pk"))
    took = scope.of(
        Delivery.objects.filter(since, status=DeliveryStatus.DELIVERED, contact_only=False, redelivered=False)
    )
    took = took.filter(finished_at__isnull=False).order_by()
    took = took.annotate(class_number=RawSQL(CLASS_NUMBER, [], output_field=models.IntegerField()))  # noqa: S611
    _add_latencies(found, took.values_list("project", "class_number").annotate(Count("pk")))
    return found


def _hours(window: Window, live: datetime) -> Q:
    return Q(hour__gte=window.start, hour__lt=live)


def _add(found: Overview, window: Window, rows: QuerySet[Any], range_: Q, how_many: Count | Sum) -> None:
    at = "created_at" if rows.model is Delivery else "hour"
    grouped = rows.filter(range_).order_by().annotate(step=DateBin(window, at), **_SETTLED_ONLY)
    for project, step, status, why, what, count in grouped.values_list(
        "project", "step", "status", "why", "what"
    ).annotate(how_many):
        found.kinds[project][status, why, what] += count
        found.steps[project][step, status] += count


def _add_latencies(found: Overview, rows: QuerySet[Any, tuple[UUID, int, int]]) -> None:
    for project, number, count in rows:
        found.latencies[project][number] += count
