"""Durations as people say them, in one unit: 85 ms, 1.2 s, 3 minutes, 2 days."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.timesince import timesince

from integration.admin.display import lasted

_LONG = timedelta(minutes=2)


def long_span(span: timedelta) -> str:
    """A duration of any length."""
    if span < _LONG:
        return lasted(span)
    now = datetime(2026, 1, 31)  # noqa: DTZ001
    return timesince(now - span, now, depth=1)


def age(at: datetime, now: datetime) -> str:
    """How long before `now` something was, without the “ago”."""
    return long_span(max(now - at, timedelta()))
