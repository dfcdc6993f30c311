"""Counts that go no further than anybody wants to know: of a list's rows, and in a list's own question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import IntegerField, QuerySet, Subquery
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

# Lists count no further than this: an exact count of a million rows takes longer than the page.
MOST_COUNTED = 10_000
# Nor do they for what belongs to one of their rows.
MOST_OF_A_ROW = 1_000


class BoundedPaginator(_Paginator):
    """Counts to MOST_COUNTED and no further; what lies beyond is found with the filters."""

    template_name = "integration/pagination.html"

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most MOST_COUNTED."""
        return min(self._counted, MOST_COUNTED)

    @property
    def has_more(self) -> bool:
        """Whether there are rows beyond the last page."""
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[: MOST_COUNTED + 1].count()


class BoundedCount(Subquery):
    """Counts the rows of a subquery that is cut off somewhere, in one question for all rows of a list."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def said(count: int) -> str:
    """A count that was cut off at MOST_OF_A_ROW + 1."""
    return _("More than %(count)s") % {"count": f"{MOST_OF_A_ROW:,}"} if count > MOST_OF_A_ROW else f"{count:,}"
