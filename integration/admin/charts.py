"""The front page's charts, as unfold's script wants them: Chart.js's data and options as JSON in attributes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from integration.admin.display import EVENT_LABELS, local_time
from integration.figures import HOUR, Tally, Window
from integration.retry import DeliveryStatus

# Read on light and on dark, and told apart by their place and name as well.
COLOURS = {
    DeliveryStatus.DELIVERED: "#16a34a",
    DeliveryStatus.SKIPPED: "#9ca3af",
    DeliveryStatus.PENDING: "#3b82f6",
    DeliveryStatus.FAILED: "#dc2626",
}
_TEXT = "#7f8896"
MOST_TYPES = 10
_A_ROW, _AROUND = 32, 80


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, and the same as a table for those who do not see it: a row of numbers for each label."""

    data: str
    options: str
    height: int
    headers: list[str]
    rows: list[list[str]]


def status_names() -> dict[DeliveryStatus, str]:
    """The parts of the bars, in their order."""
    return {
        DeliveryStatus.DELIVERED: _("Delivered"),
        DeliveryStatus.SKIPPED: _("Skipped"),
        DeliveryStatus.PENDING: _("Pending"),
        DeliveryStatus.FAILED: _("Failed"),
    }


def over_time(counts: Mapping[tuple[datetime, str], int], window: Window) -> Chart:
    """What arrived in each step of the window, by what became of it."""
    steps: dict[datetime, Counter[str]] = {start: Counter() for start in window.starts()}
    for (start, status), count in counts.items():
        steps.setdefault(start, Counter())[status] += count
    labels = [_label(start, window.step) for start in sorted(steps)]
    return _chart(_("When"), labels, [steps[start] for start in sorted(steps)], 260, status_names())


def by_event_type(tallies: Iterable[Tally]) -> Chart | None:
    """The commonest event types; None where nothing has one yet. What is pending has none, and is left out."""
    types: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tally in tallies:
        if tally.event_type and tally.status != DeliveryStatus.PENDING:
            types[tally.event_type][tally.status] += tally.count
    commonest = sorted(types, key=lambda name: -types[name].total())[:MOST_TYPES]
    if not commonest:
        return None
    labels = [str(EVENT_LABELS.get(name, name)) for name in commonest]
    height = _AROUND + _A_ROW * len(commonest)
    names = status_names()
    del names[DeliveryStatus.PENDING]
    return _chart(_("Event type"), labels, [types[name] for name in commonest], height, names, along="y")


def _chart(
    head: str,
    labels: Sequence[str],
    counts: Sequence[Counter[str]],
    height: int,
    names: Mapping[DeliveryStatus, str],
    *,
    along: str = "x",
) -> Chart:
    sets = [
        {"label": name, "data": [one[status] for one in counts], "backgroundColor": COLOURS[status]}
        for status, name in names.items()
    ]
    rows = [[label, *(f"{one[status]:,}" for status in names)] for label, one in zip(labels, counts, strict=True)]
    return Chart(
        json.dumps({"labels": list(labels), "datasets": sets}),
        json.dumps(_options(along)),
        height,
        [head, *names.values()],
        rows,
    )


def _options(along: str) -> dict[str, Any]:
    """Stacked bars without animation, with a legend; unfold colours the lines of the grid for light and dark.

    `along` is the axis that the labels stand along.
    """
    axis = {"stacked": True, "border": {"display": False}, "ticks": {"color": _TEXT, "precision": 0, "maxRotation": 0}}
    return {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "interaction": {"mode": "index", "intersect": False},
        "indexAxis": along,
        "scales": {name: {**axis, "beginAtZero": True, "grid": {"display": name != along}} for name in ("x", "y")},
        "plugins": {
            "legend": {
                "position": "bottom",
                "labels": {"color": _TEXT, "boxWidth": 10, "boxHeight": 10, "usePointStyle": True},
            }
        },
    }


def _label(start: datetime, step: timedelta) -> str:
    """What a step is called in the viewer's zone: by its beginning, or from when until when where that is not round.

    Hours of UTC are counted. In zones that are off by half an hour they begin at half past, and days within an hour of
    midnight; so do days after clocks were changed.
    """
    begin, end = local_time(start), local_time(start + step)
    is_day = step >= timedelta(days=1)
    if step < HOUR or (begin.minute == 0 and (begin.hour == 0 or not is_day)):
        return _said(begin, step)
    if is_day:
        return f"{_said(begin, step)} {begin:%H:%M} – {_said(end, step)} {end:%H:%M}"
    return f"{_said(begin, step)}–{end:%H:%M}"


def _said(local: datetime, step: timedelta) -> str:
    if step >= timedelta(days=1):
        return date_format(local, "j M")
    return f"{local:%H:%M}" if step <= HOUR else date_format(local, "D j, H:i")
