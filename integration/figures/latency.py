"""How long things took, kept as a histogram: so many in each of some classes, four to a doubling. Pure.

A class is known by a number: 0 holds up to 1.19 ms, and each next one reaches 19 % further. So a histogram of an hour
or of a month is a few dozen numbers that can be added up, and what is read from it is right to within a tenth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta

CLASSES_OF_A_DOUBLING = 4

# How many there are of each class.
Histogram = Mapping[int, int]


def class_of(span: timedelta) -> int:
    """The class of one duration; integration.models.tallies says the same in SQL."""
    milliseconds = max(span.total_seconds() * 1000, 1.0)
    return math.floor(math.log2(milliseconds) * CLASSES_OF_A_DOUBLING)


def percentile(histogram: Histogram, share: float) -> timedelta | None:
    """The duration within which `share` of all have ended; None where there are none."""
    total = sum(histogram.values())
    if not total:
        return None
    left = share * total
    for number, count in sorted(histogram.items()):
        if left <= count:
            return timedelta(milliseconds=2 ** ((number + left / count) / CLASSES_OF_A_DOUBLING))
        left -= count
    # Only rounding leads here: it is the end of the last class.
    return timedelta(milliseconds=2 ** ((max(histogram) + 1) / CLASSES_OF_A_DOUBLING))
