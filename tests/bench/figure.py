"""What a part of the bench found out: one line of the table each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured; `promised` is empty and `kept` True where nothing is promised, and it is only told.

    `note` is what there is to say about it, in a sentence under the table.
    """

    part: str
    what: str
    measured: str
    promised: str = ""
    kept: bool = True
    note: str = ""


def at_least(part: str, what: str, value: float, least: float, shown: str) -> Figure:
    """A figure that must not be smaller than `least`; `shown` is how the table says it, e.g. `0.82 (1640/s)`."""
    return Figure(part, what, shown, f"at least {least:g}", value >= least)


def at_most(part: str, what: str, value: float, most: float, shown: str) -> Figure:
    """A figure that must not be larger than `most`; `shown` is how the table says it."""
    return Figure(part, what, shown, f"at most {most:g}", value <= most)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed. Raises ValueError where there is none."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]
