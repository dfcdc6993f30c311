"""What the front page of the admin says in numbers, and when a project needs somebody. Pure: no clock, no database."""

from integration.figures.funnel import Funnel, Tally, tallied
from integration.figures.latency import Histogram, class_of, percentile
from integration.figures.pace import drained_in
from integration.figures.signs import FEWEST_STUCK, HABIT, LONG_STUCK, SHORTEST_SILENCE, is_silent, stuck_since
from integration.figures.windows import HOUR, Span, Window, floor_hour, window

__all__ = [
    "FEWEST_STUCK",
    "HABIT",
    "HOUR",
    "LONG_STUCK",
    "SHORTEST_SILENCE",
    "Funnel",
    "Histogram",
    "Span",
    "Tally",
    "Window",
    "class_of",
    "drained_in",
    "floor_hour",
    "is_silent",
    "percentile",
    "stuck_since",
    "tallied",
    "window",
]
