"""What came in lately, in little room: enough to say what other settings would make of it. Reads only.

Bounded: the newest MOST of a project within the time that is asked about, found by the project's own index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q

from integration.event_types import EventType
from integration.mapping.impact import Seen, Shape, Who
from integration.models.customers import Customer
from integration.models.deliveries import Delivery
from integration.models.events import WebhookEvent
from integration.models.projects import Project
from integration.retry import DeliveryStatus
from integration.revenuecat.events import RevenueCatEvent, is_anonymous, parse

MOST = 10_000


class _Row(NamedTuple):
    """A delivery, and what is wanted of its event."""

    status: str
    reason: str
    event_type: str
    event_name: str
    environment: str
    app_user_id: str
    customer_id: int | None
    pk: int
    contact_only: bool
    project_id: UUID
    event_id: int
    came_to: UUID
    type: str
    is_recent: bool

    @property
    def needs_payload(self) -> bool:
        """Whether the payload must be asked for its event type: of most events the rest of the row tells it."""
        unplanned = self.event_type == "" and self.type in ("INITIAL_PURCHASE", "RENEWAL")
        return unplanned or self.type == "CANCELLATION"


_COLUMNS = (
    *("status", "reason", "event_type", "event_name", "environment", "app_user_id", "customer_id", "pk"),
    *("contact_only", "project_id", "webhook_event_id", "webhook_event__project_id", "webhook_event__type"),
)
# What of a payload the event type depends on.
_FIELDS = ("period_type", "is_trial_conversion", "cancel_reason", "price")


@dataclass(frozen=True, slots=True)
class Lately:
    """What came in, and since when it was looked at; `is_all` unless there was more than is looked at."""

    seen: list[Seen]
    since: datetime
    is_all: bool


def lately(
    project: Project, since: datetime, *, handed_to: UUID | None = None, names_count: bool = False, most: int = MOST
) -> Lately:
    """The newest events that the project has owed since then, and those of its own that it has handed to another one.

    With `names_count` an anonymous id counts as anonymous only where nobody was named for it.
    """
    rows = _newest(project.pk, since, most)
    is_all = len(rows) < most or not rows[-1].is_recent
    # It may be pruned by now.
    oldest = None if is_all else Delivery.objects.filter(pk=rows[-1].pk).first()
    looked_since = oldest.created_at if oldest else since
    if handed_to is not None:
        rows += [row for row in _newest(handed_to, since, most) if row.came_to == project.pk]
    rows = [row for row in rows if row.is_recent and not row.contact_only]
    events = _events({row.event_id for row in rows if row.needs_payload})
    named = _named(rows) if names_count else frozenset()
    seen = [
        Seen(
            _shape(_event_of(row, events), row.environment == "SANDBOX", _who(row, named), row.came_to != project.pk),
            row.app_user_id,
            _why_not(row) if row.project_id == project.pk else None,
        )
        for row in rows
    ]
    return Lately(seen, looked_since, is_all)


def _newest(project_id: UUID, since: datetime, most: int) -> list[_Row]:
    """By number alone, as the project's index has them: with the time as a condition all before it would be read.

    Whether they are recent is asked of the database: making times of so many rows took half of all the time.
    """
    is_recent = ExpressionWrapper(Q(created_at__gte=since), output_field=BooleanField())
    newest = Delivery.objects.filter(project=project_id).order_by("-pk").values_list(*_COLUMNS, is_recent)
    return [_Row(*row) for row in newest[:most]]


def _events(ids: set[int]) -> Mapping[int, RevenueCatEvent]:
    """Those few events whose payloads must be asked, with nothing in them but that."""
    columns = [f"payload__event__{name}" for name in _FIELDS]
    rows: Iterable[Sequence[Any]] = WebhookEvent.objects.filter(pk__in=ids).values_list("pk", "type", *columns)
    return {
        pk: parse({"type": kind, **dict(zip(_FIELDS, said, strict=True))}, received_at_ms=0) for pk, kind, *said in rows
    }


def _named(rows: Sequence[_Row]) -> frozenset[int]:
    """The customers with an anonymous id among these who turned out to be somebody."""
    asked = {row.customer_id for row in rows if row.customer_id and is_anonymous(row.app_user_id)}
    keys = Customer.objects.filter(pk__in=asked).values_list("pk", "app_user_id")
    return frozenset(pk for pk, key in keys if not is_anonymous(key))


def _who(row: _Row, named: frozenset[int]) -> Who:
    if is_anonymous(row.app_user_id) and row.customer_id not in named:
        return Who.ANONYMOUS
    return Who.NAMED if row.app_user_id else Who.NOBODY


def _event_of(row: _Row, events: Mapping[int, RevenueCatEvent]) -> tuple[str, bool, bool, bool]:
    """Its type, and whether it is of a trial, of one that became paid, and a refund."""
    event = events.get(row.event_id)
    if event is None:
        is_trial, is_conversion = row.event_type == EventType.TRIAL_STARTED, row.event_type == EventType.TRIAL_CONVERTED
        return row.type, is_trial, is_conversion, False
    return row.type, event.period_type == "TRIAL", event.is_trial_conversion, event.is_refund


@lru_cache(maxsize=1_000)
def _shape(event: tuple[str, bool, bool, bool], is_sandbox: bool, who: Who, is_foreign: bool) -> Shape:
    """Made once for all that are alike."""
    return Shape(*event, is_sandbox=is_sandbox, who=who, is_foreign=is_foreign)


def _why_not(row: _Row) -> str | None:
    """The reason for which its data event was not sent, where it is settled: of what waits there is nothing to say."""
    if row.status == DeliveryStatus.SKIPPED:
        return row.reason
    return "" if row.status == DeliveryStatus.DELIVERED and not row.event_name else None
