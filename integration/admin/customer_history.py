"""Every event of one customer, what it became and every try of it, newest first, a page at a time.

A page begins where the one before it ended (`before`), so that the hundredth costs what the first does. All rows of a
customer are found by index and then put in order: for the few that a customer has that is cheap, while reading the
whole log backwards until there are enough of them is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.admin.attempt_display import how_long, outcome_label
from integration.admin.display import Cell, change_url, event_label, moment, row_url, status_label
from integration.models import Customer, Delivery, DeliveryAttempt, WebhookEvent

EVENTS_A_PAGE = 50
# Of one delivery no more tries are listed than these, the newest ones; its own page has the others.
MOST_TRIES_LISTED = 12
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a delivery, in a line."""

    outcome: SafeString
    at: Cell
    lasted: str
    error: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event of the customer for the template."""

    label: str
    name: str
    status: SafeString
    happened: Cell
    received: Cell
    why: str
    tries: Sequence[Try]
    tried: str
    url: str
    event_url: str
    # None for who may not redeliver.
    redeliver_url: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the events, and where the next older ones begin; `product` is the newest that one of them names."""

    lines: Sequence[EventLine]
    is_first: bool
    older: int | None
    product: str


def page_of(customer: Customer, before: str, *, may_redeliver: bool, now: datetime) -> Page:
    """The events of a customer before the delivery `before`, or the newest ones. Asks two questions, however many."""
    end = int(before) if before.isdecimal() and len(before) < 20 else LARGEST_ID
    rows = list(_deliveries(customer).filter(pk__lt=min(end, LARGEST_ID))[: EVENTS_A_PAGE + 1])
    shown = rows[:EVENTS_A_PAGE]
    tries = _tries(shown)
    lines = [_line(one, tries.get(one.pk, []), may_redeliver=may_redeliver, now=now) for one in shown]
    products = (one.webhook_event.product_id for one in shown)
    return Page(
        lines=lines,
        is_first=end == LARGEST_ID,
        older=shown[-1].pk if len(rows) > EVENTS_A_PAGE else None,
        product=next((product for product in products if product), ""),
    )


def _deliveries(customer: Customer) -> QuerySet[Delivery]:
    # By id too and not by the link alone, which only what was sent has: skipped ones belong here as well.
    theirs = Q(app_user_id=customer.app_user_id) | Q(customer=customer)
    rows = Delivery.objects.filter(theirs, project=customer.project_id).select_related("webhook_event")
    # Not "-id": PostgreSQL would take the order of the primary key, and read everybody's deliveries on the way.
    return rows.defer("webhook_event__payload").order_by((F("id") + 0).desc())


def _tries(deliveries: Sequence[Delivery]) -> dict[int, list[DeliveryAttempt]]:
    """The tries of each, oldest first, without what was said in them."""
    rows = DeliveryAttempt.objects.filter(delivery__in=[one.pk for one in deliveries])
    found: dict[int, list[DeliveryAttempt]] = defaultdict(list)
    for attempt in rows.defer("exchanges", "traceback").order_by("id"):
        found[attempt.delivery_id].append(attempt)
    return found


def _line(delivery: Delivery, tries: Sequence[DeliveryAttempt], *, may_redeliver: bool, now: datetime) -> EventLine:
    count = ngettext("%(count)s try", "%(count)s tries", len(tries)) % {"count": len(tries)}
    return EventLine(
        label=event_label(delivery),
        name=delivery.event_name,
        status=status_label(delivery),
        happened=moment(delivery.webhook_event.event_at, now=now),
        received=moment(delivery.created_at),
        why=delivery.explanation,
        tries=[
            Try(outcome_label(one), moment(one.started_at), how_long(one), one.error)
            for one in tries[-MOST_TRIES_LISTED:]
        ],
        tried=count if tries else _("not tried"),
        url=change_url(delivery),
        event_url=row_url(WebhookEvent, delivery.webhook_event_id),
        redeliver_url=reverse("admin:integration_delivery_redeliver", args=[delivery.pk]) if may_redeliver else None,
    )
