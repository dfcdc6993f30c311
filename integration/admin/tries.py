"""How many tries were made of deliveries, in all: also before they were redelivered, and those that a hold has ended.

`Delivery.tries` says where a delivery is on the schedule, which begins anew when it is owed again.
"""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest

from integration.admin.base import IndexedList
from integration.admin.counting import MOST_OF_A_ROW, BoundedCount
from integration.models import Delivery, DeliveryAttempt

_MADE = "tries_made"


class TriedList(IndexedList):
    """A list of deliveries, with the number of the tries of each."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of a page, and a second question about these alone, so that the first one stays as quick."""
        super().get_results(request)
        rows: list[Delivery] = list(self.result_list)
        shown = Delivery.objects.filter(pk__in=[row.pk for row in rows]).order_by()
        made = dict(with_tries(shown, most=MOST_OF_A_ROW + 1).values_list("pk", _MADE)) if rows else {}
        for row in rows:
            setattr(row, _MADE, made.get(row.pk, 0))
        self.result_list = rows


def with_tries(rows: QuerySet[Delivery], most: int | None = None) -> QuerySet[Delivery]:
    """With the number of their tries, all of them or no more than `most`."""
    tries = DeliveryAttempt.objects.filter(delivery=OuterRef("pk")).order_by().values("pk")
    return rows.annotate(**{_MADE: BoundedCount(tries[:most])})


def tries_of(delivery: Delivery) -> int:
    """The number of tries of one that was read so."""
    made: int = getattr(delivery, _MADE)
    return made
