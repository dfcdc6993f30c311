"""Ranges of time that people look at, and the steps of their charts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

HOUR = timedelta(hours=1)


class Span(StrEnum):
    """How far back somebody looks."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


_LENGTHS = {
    Span.HOUR: HOUR,
    Span.DAY: timedelta(hours=24),
    Span.WEEK: timedelta(days=7),
    Span.MONTH: timedelta(days=30),
}
_STEPS = {
    Span.HOUR: timedelta(minutes=5),
    Span.DAY: HOUR,
    Span.WEEK: timedelta(hours=6),
    Span.MONTH: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until now, cut into steps; but for the last hour it starts with an hour of UTC."""

    span: Span
    start: datetime
    end: datetime
    step: timedelta

    def starts(self) -> Iterator[datetime]:
        """When each step begins."""
        at = self.start
        while at <= self.end:
            yield at
            at += self.step


def window(span: Span, now: datetime, zone: tzinfo) -> Window:
    """What `span` means at `now`: at least as long as its name says, and whole hours or days of the `zone`.

    The last hour is the last sixty minutes, to the second; the last day begins with an hour, a week and a month with
    a day.
    """
    earliest = now - _LENGTHS[span]
    if span is Span.HOUR:
        start = earliest.replace(microsecond=0)
    elif span is Span.DAY:
        start = floor_hour(earliest)
    else:
        midnight = earliest.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        # Where a zone is off by half an hour its days begin within an hour of UTC.
        start = floor_hour(midnight)
    return Window(span, start, now, _STEPS[span])


def floor_hour(at: datetime) -> datetime:
    """The beginning of the hour of UTC in which that time lies."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
