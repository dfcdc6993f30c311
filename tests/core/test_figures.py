"""
What the front page says in numbers: ranges, a funnel that adds up, percentiles, backlogs, and signs of trouble.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.figures import (
    HOUR,
    Span,
    Tally,
    class_of,
    drained_in,
    floor_hour,
    is_silent,
    percentile,
    stuck_since,
    tallied,
    window,
)

NOW = datetime(2026, 11, 26, 14, 37, 12, 345, tzinfo=UTC)
BERLIN, INDIA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


# --- Ranges -----------------------------------------------------------------------------------------------------


def test_the_last_hour_is_the_last_sixty_minutes_to_the_second() -> None:
    shown = window(Span.HOUR, NOW, UTC)
    assert shown.start == datetime(2026, 11, 26, 13, 37, 12, tzinfo=UTC)
    assert len(list(shown.starts())) == 13


def test_the_last_day_begins_with_an_hour_and_longer_ranges_with_a_day_of_the_viewer() -> None:
    assert window(Span.DAY, NOW, BERLIN).start == datetime(2026, 11, 25, 14, tzinfo=UTC)
    assert window(Span.WEEK, NOW, BERLIN).start == datetime(2026, 11, 18, 23, tzinfo=UTC)
    assert window(Span.MONTH, NOW, UTC).start == datetime(2026, 10, 27, tzinfo=UTC)
    # Half an hour off: whole hours of UTC are what is counted.
    assert window(Span.WEEK, NOW, INDIA).start == datetime(2026, 11, 18, 18, tzinfo=UTC)


@given(
    span=st.sampled_from(Span),
    now=st.timedeltas(timedelta(), timedelta(days=7300)).map(lambda span: datetime(2020, 1, 1, tzinfo=UTC) + span),
    zone=st.sampled_from([UTC, BERLIN, INDIA, ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Apia")]),
)
def test_a_range_is_at_least_as_long_as_its_name_says_and_no_two_days_longer(
    span: Span, now: datetime, zone: ZoneInfo
) -> None:
    shown = window(span, now, zone)
    said = {Span.HOUR: HOUR, Span.DAY: DAY, Span.WEEK: 7 * DAY, Span.MONTH: 30 * DAY}[span]
    assert said <= shown.end - shown.start <= said + DAY + 2 * HOUR
    assert len(list(shown.starts())) <= 34
    if span is not Span.HOUR:
        assert floor_hour(shown.start) == shown.start


# --- The funnel -------------------------------------------------------------------------------------------------


def test_a_funnel_adds_up() -> None:
    funnel = tallied(
        [
            Tally("delivered", "", "renewal", 7),
            Tally("skipped", "sandbox", "renewal", 2),
            Tally("skipped", "sandbox", "expiration", 1),
            Tally("skipped", "test_event", "", 4),
            Tally("pending", "", "", 5),
            Tally("failed", "", "renewal", 3),
        ],
        retrying=2,
    )
    assert (funnel.received, funnel.delivered, funnel.failed, funnel.pending) == (22, 7, 3, 5)
    assert (funnel.retrying, funnel.untried) == (2, 3)
    assert funnel.skipped == {"sandbox": 3, "test_event": 4}


def test_no_more_are_tried_again_than_are_pending() -> None:
    funnel = tallied([Tally("pending", "", "", 5)], retrying=8)
    assert (funnel.retrying, funnel.untried) == (5, 0)


# --- Percentiles ------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(2, 40 * 86_400_000), min_size=1, max_size=200), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_right_to_within_a_class(milliseconds: list[int], share: float) -> None:
    spans = sorted(timedelta(milliseconds=one) for one in milliseconds)
    found = percentile(Counter(class_of(span) for span in spans), share)
    assert found is not None
    exact = next(span for number, span in enumerate(spans, 1) if number >= share * len(spans))
    assert exact / 1.2 <= found <= exact * 1.2


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_histograms_of_hours_add_up() -> None:
    quick, slow = Counter({class_of(timedelta(milliseconds=100)): 90}), Counter({class_of(timedelta(seconds=60)): 10})
    half, most = percentile(quick + slow, 0.5), percentile(quick + slow, 0.95)
    assert half is not None and most is not None
    assert timedelta(milliseconds=85) < half < timedelta(milliseconds=120)
    assert timedelta(seconds=50) < most < timedelta(seconds=72)


# --- Backlogs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backlog", "done", "limit", "expected"),
    [
        (0, 0, None, timedelta()),
        (600, 60, None, timedelta(minutes=10)),
        # As it goes, and not as it could go.
        (600, 60, 1000, timedelta(minutes=10)),
        # Nothing was sent lately: what the limit lets out, at two calls each.
        (500, 0, 100, timedelta(seconds=100)),
        (500, 9, 100, timedelta(seconds=100)),
        (500, 0, None, None),
    ],
)
def test_when_a_backlog_is_gone(backlog: int, done: int, limit: int | None, expected: timedelta | None) -> None:
    assert drained_in(backlog, done_in_a_minute=done, limit=limit) == expected


# --- Silence ----------------------------------------------------------------------------------------------------


def received(newest: datetime, *hours_before: int) -> dict[datetime, int]:
    """One webhook in each of these hours before the newest one's."""
    return {floor_hour(newest) - hours * HOUR: 1 for hours in hours_before}


# From eight to twenty, every day.
SHOP_HOURS = [24 * day + hour for day in range(7) for hour in range(13)]


def test_who_receives_in_the_daytime_is_not_silent_at_night() -> None:
    evening = datetime(2026, 11, 26, 20, 30, tzinfo=UTC)
    assert not is_silent(received(evening, *SHOP_HOURS), evening, evening + 14 * HOUR)


def test_more_than_twice_the_longest_pause_of_the_week_is_silence() -> None:
    evening = datetime(2026, 11, 26, 20, 30, tzinfo=UTC)
    # The nights are twelve hours long.
    assert not is_silent(received(evening, *SHOP_HOURS), evening, evening + 24 * HOUR)
    assert is_silent(received(evening, *SHOP_HOURS), evening, evening + 24 * HOUR + MINUTE)


def test_two_hours_are_never_silence() -> None:
    every_hour = received(NOW, *range(7 * 24))
    assert not is_silent(every_hour, NOW, NOW + 2 * HOUR)
    assert is_silent(every_hour, NOW, NOW + 2 * HOUR + MINUTE)


@pytest.mark.parametrize("hours", [[], [0], [0, 24, 48, 72, 96, 120], [0, 1, 2, 3, 4, 5, 6, 7]])
def test_who_has_no_habit_is_never_silent(hours: list[int]) -> None:
    """Fewer than seven in the week, or all of them within a day or two, as when somebody tries it out."""
    assert not is_silent(received(NOW, *hours), NOW, NOW + 30 * DAY)


def test_what_came_before_the_week_is_no_habit() -> None:
    assert not is_silent(received(NOW, 0, *(24 * day for day in range(8, 30))), NOW, NOW + 30 * DAY)


# --- Nothing gets through ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retrying", "oldest", "delivered", "since"),
    [
        (3, 20, None, 20),
        (3, 20, 60, 20),
        # Something got through meanwhile.
        (3, 20, 5, None),
        (3, 60, 20, 20),
        # A quarter of an hour is waited, and for one or two nobody is called.
        (3, 14, None, None),
        (2, 60, None, None),
        (0, None, None, None),
    ],
)
def test_since_when_nothing_gets_through(
    retrying: int, oldest: int | None, delivered: int | None, since: int | None
) -> None:
    def before(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW - minutes * MINUTE

    found = stuck_since(retrying=retrying, oldest=before(oldest), delivered=before(delivered), now=NOW)
    assert found == before(since)
