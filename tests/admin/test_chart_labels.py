"""
What the steps of the front page's charts are called is true in the zone of whoever looks, half an hour off or not.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from integration.admin.charts import over_time
from integration.figures import Span, window

NOW = datetime(2026, 11, 26, 14, 37, 12, tzinfo=UTC)


def labels(span: Span, zone: str, now: datetime = NOW) -> list[str]:
    """Below the bars, as somebody in that zone reads them."""
    with timezone.override(ZoneInfo(zone)):
        chart = over_time({}, window(span, now, ZoneInfo(zone)))
    below: list[str] = json.loads(chart.data)["labels"]
    assert [row[0] for row in chart.rows] == below
    return below


@pytest.mark.parametrize(
    ("zone", "last"), [("UTC", "14:00"), ("America/New_York", "09:00"), ("Asia/Kolkata", "19:30–20:30")]
)
def test_an_hour_that_begins_at_half_past_is_called_from_when_until_when(zone: str, last: str) -> None:
    assert labels(Span.DAY, zone)[-1] == last


def test_steps_of_six_hours_too() -> None:
    assert labels(Span.WEEK, "UTC")[-1] == "Thu 26, 12:00"
    assert labels(Span.WEEK, "Asia/Kathmandu")[-1] == "Thu 26, 17:45–23:45"


def test_a_day_that_does_not_begin_at_midnight_is_not_called_by_the_day_before() -> None:
    assert labels(Span.MONTH, "UTC")[-2:] == ["25 Nov", "26 Nov"]
    assert labels(Span.MONTH, "Asia/Kolkata")[-1] == "25 Nov 23:30 – 26 Nov 23:30"


def test_days_after_clocks_were_set_back_have_names_of_their_own() -> None:
    days = labels(Span.MONTH, "Europe/Berlin", datetime(2026, 11, 10, 12, tzinfo=UTC))
    assert len(set(days)) == len(days)
    assert "24 Oct" in days and "25 Oct 23:00 – 26 Oct 23:00" in days


def test_the_last_hour_is_cut_into_minutes_that_are_called_by_their_beginning() -> None:
    assert labels(Span.HOUR, "Asia/Kolkata")[0] == "19:07"
