"""Counts in a list's own question, however many rows it shows, and no further than anybody wants to know."""

from __future__ import annotations

from django.db.models import IntegerField, Subquery

MOST_WAITING = 1_000


class BoundedCount(Subquery):
    """Counts the rows of a subquery that is cut off somewhere."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def said(count: int) -> str:
    """A count that was cut off at MOST_WAITING + 1."""
    return f"More than {MOST_WAITING:,}" if count > MOST_WAITING else f"{count:,}"
