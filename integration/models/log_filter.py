"""Which deliveries of the log are meant: what a list is filtered by, as a value that can be kept and asked again.

The list, its export and a bulk redelivery take their conditions from here, so that they mean the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from integration.models.deliveries import Delivery
from integration.models.delivery_indexes import ANSWER_OF_NOTE, RETRYING
from integration.models.log_search import Found, Projects, find_deliveries
from integration.retry import DeliveryStatus

NO_DATA_EVENT = "none"
NO_ANSWER = "none"
UNSENT = "unsent"
# States that a status alone does not tell.
STATES: Mapping[str, Q] = {
    "retrying": RETRYING,
    "untried": Q(status=DeliveryStatus.PENDING.value, tries=0),
    "waiting": Q(status=DeliveryStatus.PENDING.value, due_at=None),
    UNSENT: Q(status__in=[DeliveryStatus.FAILED.value, DeliveryStatus.SKIPPED.value]),
}


def with_answer(value: str) -> Q:
    """Those whose newest try ended with this HTTP status, `404` or `5xx`, or NO_ANSWER; none for anything else."""
    if value == NO_ANSWER:
        return ANSWER_OF_NOTE & Q(last_answer=0)
    if len(value) == 3 and value[0] in "345" and value[1:] == "xx":
        first = int(value[0]) * 100
        return ANSWER_OF_NOTE & Q(last_answer__gte=first, last_answer__lt=first + 100)
    if len(value) == 3 and value.isdecimal() and value.isascii():
        return Q(last_answer=int(value))
    return Q(pk__in=[])


def of_event_type(value: str) -> Q:
    """Those of the event type, or of none."""
    return Q(event_type="" if value == NO_DATA_EVENT else value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """What a list of deliveries is filtered by; blank where it is not. `exchanges`: calls may be searched too."""

    status: str = ""
    state: str = ""
    project: str = ""
    event_type: str = ""
    environment: str = ""
    store: str = ""
    reason: str = ""
    answer: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    exchanges: bool = False

    def rows(self, projects: Projects) -> QuerySet[Delivery]:
        """The deliveries that are meant, of these projects alone; None stands for all."""
        rows = Delivery.objects.filter(self.condition())
        if projects is not None:
            rows = rows.filter(project__in=projects)
        return rows.filter(self.found(projects).condition) if self.text else rows

    def found(self, projects: Projects) -> Found:
        """What the search finds."""
        return find_deliveries(self.text, projects, exchanges=self.exchanges)

    def condition(self) -> Q:
        """All but the search."""
        plain = {name: getattr(self, name) for name in ("status", "project", "environment", "store", "reason")}
        condition = Q(**{name: value for name, value in plain.items() if value})
        if self.state:
            condition &= STATES.get(self.state, Q(pk__in=[]))
        if self.event_type:
            condition &= of_event_type(self.event_type)
        if self.answer:
            condition &= with_answer(self.answer)
        if self.since is not None:
            condition &= Q(created_at__gte=self.since)
        if self.until is not None:
            condition &= Q(created_at__lte=self.until)
        return condition

    def without_search(self) -> LogFilter:
        """The same without whom it was about, once that is of no use any more."""
        return replace(self, text="")

    def to_json(self) -> dict[str, Any]:
        """As a row keeps it: what is not blank."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items() if value
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> LogFilter:
        """What `to_json` made, also of a version with other fields."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in kept.items() if name in known}
        for name in ("since", "until"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        return cls(**values)
