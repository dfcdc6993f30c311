"""
What is counted by the hour is what the log holds, whatever has happened to its deliveries since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.figures import HOUR, class_of, floor_hour
from integration.models import (
    CountedHour,
    CountingState,
    Customer,
    Delivery,
    HourlyCount,
    HourlyLatency,
    Project,
    StaleHour,
)
from integration.models.forgetting import Person
from integration.models.recounting import HORIZON, LOOKED_AT, MARGIN, count_on, first_live, recount
from integration.models.retention import expired
from tests.factories import make_project
from tests.models.aged import aged

NOW = datetime(2026, 11, 26, 14, 37, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

Counts = Counter[tuple[Any, ...]]


@pytest.fixture
def project(db: None) -> Project:
    """A project with the settings that every new one has."""
    return make_project("Larkfield")


def always() -> bool:
    """There is time to go on."""
    return True


def counted() -> Counts:
    """What has been counted, by hour and kind."""
    rows = HourlyCount.objects.values_list("project", "hour", "environment", "status", "reason", "event_type", "count")
    return Counter({tuple(kind): count for *kind, count in rows})


def of_the_log(now: datetime) -> Counts:
    """The same, from the deliveries themselves."""
    found: Counts = Counter()
    for row in Delivery.objects.filter(created_at__lt=first_live(now)):
        kind = ("", "") if row.status == "pending" else (row.reason, row.event_type)
        found[row.project_id, floor_hour(row.created_at), row.environment, row.status, *kind] += 1
    return found


# --- Which hours are counted ------------------------------------------------------------------------------------


def test_a_table_that_was_full_before_is_counted_by_and_by_newest_hours_first(project: Project) -> None:
    for hours in (3, 4, 30):
        aged(project, NOW - hours * HOUR)
    assert count_on(NOW, go_on=lambda: False) == 1
    assert [row.hour for row in CountedHour.objects.all()] == [first_live(NOW) - HOUR]
    steps = 1
    while count_on(NOW, go_on=lambda: False):
        steps += 1
    # From the oldest delivery on, and the running hour and the one before are not among them.
    assert steps == CountedHour.objects.count() == 29
    assert counted() == of_the_log(NOW) and counted().total() == 3


def test_nothing_is_counted_where_nothing_has_arrived(project: Project) -> None:
    assert count_on(NOW, go_on=always) == 0
    assert not CountedHour.objects.exists()


def test_the_running_hour_and_the_one_before_are_left_to_the_page(project: Project) -> None:
    for minutes in (1, 60, 96, 97, 98):
        aged(project, NOW - minutes * MINUTE)
    count_on(NOW, go_on=always)
    # It is 14:37: of what came before 13:00 there is one.
    assert counted().total() == 1 == of_the_log(NOW).total()


def test_what_is_settled_later_is_counted_anew(project: Project) -> None:
    delivery = aged(project, NOW - 5 * HOUR, "pending")
    count_on(NOW, go_on=always)
    assert [kind[3] for kind in counted()] == ["pending"]
    assert count_on(NOW + MINUTE, go_on=always) == 0
    later = NOW + 2 * MINUTE
    Delivery.objects.filter(pk=delivery.pk).update(status="failed", finished_at=later, due_at=None)
    assert count_on(later + MINUTE, go_on=always) == 1
    assert [kind[3] for kind in counted()] == ["failed"]


def test_what_was_written_down_a_moment_after_its_time_is_not_missed(project: Project) -> None:
    delivery = aged(project, NOW - 5 * HOUR, "pending")
    count_on(NOW, go_on=always)
    at = NOW - MARGIN + timedelta(seconds=1)
    Delivery.objects.filter(pk=delivery.pk).update(status="delivered", finished_at=at, due_at=None)
    count_on(NOW + MINUTE, go_on=always)
    assert counted() == of_the_log(NOW)


def test_whatever_was_missed_is_found_when_its_hour_is_looked_at_again(project: Project) -> None:
    delivery = aged(project, NOW - 5 * HOUR)
    count_on(NOW, go_on=always)
    # Nothing tells: it was settled long ago, and somebody has changed it by hand.
    Delivery.objects.filter(pk=delivery.pk).update(status="failed")
    later = NOW + LOOKED_AT + MINUTE
    for _ in range(10):
        count_on(later, go_on=always)
    assert counted() == of_the_log(later)


@pytest.mark.parametrize("change", ["requeue", "prune", "forget"])
def test_what_goes_out_of_an_hour_has_it_counted_anew(project: Project, change: str) -> None:
    delivery = aged(project, NOW - 40 * HOUR)
    aged(project, NOW - 3 * HOUR)
    count_on(NOW, go_on=always)
    if change == "requeue":
        Delivery.objects.filter(pk=delivery.pk).requeue(NOW)
    elif change == "prune":
        next(iter(expired(project, NOW + 29 * DAY))).prune()
    else:
        Customer.objects.create(project=project, app_user_id=delivery.app_user_id)
        Person.find(project, delivery.app_user_id).forget(NOW)
    assert StaleHour.objects.filter(hour=floor_hour(delivery.created_at)).exists()
    count_on(NOW + MINUTE, go_on=always)
    assert counted() == of_the_log(NOW)
    assert not StaleHour.objects.exists()


def test_a_note_that_is_left_while_an_hour_is_counted_stays_for_the_next_time(project: Project) -> None:
    delivery = aged(project, NOW - 5 * HOUR)
    hour = floor_hour(delivery.created_at)
    for _ in range(2):
        StaleHour.objects.mark([delivery.created_at])
    assert StaleHour.objects.filter(hour=hour).count() == 2
    recount(hour, NOW)
    assert not StaleHour.objects.exists()
    StaleHour.objects.mark([delivery.created_at])
    assert count_on(NOW, go_on=lambda: False) == 1
    assert CountedHour.objects.get(hour=hour).counted_at == NOW


def test_what_nobody_looks_at_any_more_is_deleted(project: Project) -> None:
    aged(project, NOW - HORIZON + 2 * HOUR)
    aged(project, NOW - 3 * HOUR)
    count_on(NOW, go_on=always)
    assert HourlyCount.objects.count() == HourlyLatency.objects.count() == 2
    later = NOW + 4 * HOUR
    StaleHour.objects.mark([NOW - HORIZON, later])
    count_on(later, go_on=always)
    assert HourlyCount.objects.count() == HourlyLatency.objects.count() == 1
    assert CountedHour.objects.count() == HORIZON / HOUR - 1 and not StaleHour.objects.exists()


def test_latencies_are_in_the_classes_that_the_core_reads(project: Project) -> None:
    spans = [0.0004, 0.02, 0.085, 1.0, 7.3, 90.0, 86_400.0, 3_000_000.0]
    for seconds in spans:
        aged(project, NOW - 5 * HOUR, took=seconds)
    aged(project, NOW - 5 * HOUR, "skipped")
    aged(project, NOW - 5 * HOUR, contact_only=True)
    aged(project, NOW - 5 * HOUR, redelivered=True)
    count_on(NOW, go_on=always)
    found = Counter(dict(HourlyLatency.objects.values_list("class_number", "count")))
    assert found == Counter(class_of(timedelta(seconds=seconds)) for seconds in spans)


def test_counting_says_when_it_last_ran(project: Project) -> None:
    for later in (0, 1):
        count_on(NOW + later * MINUTE, go_on=always)
        assert CountingState.objects.get().ran_at == NOW + later * MINUTE


# --- Whatever happens ---------------------------------------------------------------------------------------------

STATUSES = st.sampled_from(["delivered", "skipped", "failed"])
WHICH = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(st.just("arrive"), st.integers(0, 50 * 60)),
    st.tuples(st.just("settle"), WHICH, STATUSES),
    st.tuples(st.just("retry"), WHICH),
    st.tuples(st.just("requeue"), WHICH),
    st.tuples(st.just("release"), WHICH),
    st.tuples(st.just("prune"), st.integers(1, 4)),
    st.tuples(st.just("forget"), WHICH),
    st.tuples(st.just("count"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 200)),
)


class Life:
    """A project whose deliveries live through steps, with a clock of its own."""

    def __init__(self, project: Project) -> None:
        self.project, self.now, self.people = project, NOW, 0

    def run(self, name: str, *values: Any) -> None:
        """One step."""
        step: Callable[..., None] = getattr(self, f"_{name}")
        step(*values)
        self.now += timedelta(seconds=7)

    def _one(self, which: int) -> Delivery | None:
        rows = list(Delivery.objects.order_by("id"))
        return rows[which % len(rows)] if rows else None

    def _arrive(self, minutes_before: int) -> None:
        # Into an hour that may have been counted long since, which only a story does.
        self.people += 1
        at = self.now - timedelta(minutes=minutes_before)
        aged(self.project, at, "pending", event={"app_user_id": f"user-{self.people}"})
        StaleHour.objects.mark([at])

    def _settle(self, which: int, status: str) -> None:
        one = self._one(which)
        if one is not None and one.status == "pending":
            reason = "sandbox" if status == "skipped" else ""
            Delivery.objects.filter(pk=one.pk).update(
                status=status, reason=reason, event_type="renewal", finished_at=self.now, due_at=None
            )

    def _retry(self, which: int) -> None:
        one = self._one(which)
        if one is not None and one.status == "pending":
            Delivery.objects.filter(pk=one.pk).update(tries=one.tries + 1, event_type="renewal", reason="waits")

    def _requeue(self, which: int) -> None:
        one = self._one(which)
        if one is not None:
            Delivery.objects.filter(pk=one.pk).requeue(self.now)

    def _release(self, which: int) -> None:
        one = self._one(which)
        if one is not None and one.status == "pending":
            Delivery.objects.filter(pk=one.pk).update(due_at=None)
            Delivery.objects.filter(pk=one.pk).release()

    def _prune(self, limit: int) -> None:
        for group in expired(self.project, self.now + 30 * DAY - 6 * HOUR):
            group.prune(limit)

    def _forget(self, which: int) -> None:
        one = self._one(which)
        if one is not None:
            Person.find(self.project, one.app_user_id).forget(self.now)

    def _count(self, hours: int) -> None:
        left = iter(range(hours))
        count_on(self.now, go_on=lambda: next(left, None) is not None)

    def _wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, max_size=25))
def test_after_whatever_happened_the_counts_are_those_of_the_log(
    project: Project, steps: list[tuple[Any, ...]]
) -> None:
    with transaction.atomic():
        life = Life(project)
        for name, *values in steps:
            life.run(name, *values)
        count_on(life.now, go_on=always)
        assert counted() == of_the_log(life.now)
        transaction.set_rollback(True)
