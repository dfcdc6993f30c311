"""Finds deliveries, events and customers by an id or an email address, exactly, and by an index.

Ids are compared letter by letter, as RevenueCat and Intercom compare them. What no index holds is looked for among
the newest rows only, and whoever asks is told so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from integration.mapping.identity import SHARED_KEY
from integration.models.attempts import NOT_WELL, DeliveryAttempt, RequestIds
from integration.models.customers import Customer
from integration.models.deliveries import Delivery
from integration.models.events import RENEWS_ANOTHER, WebhookEvent
from integration.models.projects import Project
from integration.retry import AttemptOutcome

# Of one email address or id, more than these are not looked through.
MOST_MATCHES = 1_000
# Of the tries that succeeded, whose request ids are in no index, so many of the newest are looked through.
NEWEST_TRIES = 10_000
# What could be a request id of Intercom's: a short id, or a UUID.
_REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{12,100}")

# The projects that are looked through; None stands for all there are.
Projects = Collection[UUID] | None


@dataclass(frozen=True, slots=True)
class Found:
    """The deliveries that a text names; `bounded` where it may name more, beyond NEWEST_TRIES."""

    condition: Q
    bounded: bool = False


def find_deliveries(text: str, projects: Projects, *, exchanges: bool) -> Found:
    """Whatever `text` names: events, transactions, customers by any id, and calls where `exchanges` may be read.

    The rows it names are looked up first: an OR across tables would read all of them.
    """
    condition = Q(app_user_id=text) | Q(webhook_event__in=_keys(WebhookEvent.objects.filter(_events(text, projects))))
    customers = Customer.objects.filter(_within(projects) & _customers(text))
    condition |= _of_customers(customers)
    if not exchanges or not _REQUEST_ID.fullmatch(text):
        return Found(condition)
    tries = DeliveryAttempt.objects.alias(ids=RequestIds("exchanges")).filter(ids__has_key=text)
    if projects is not None:
        tries = tries.filter(delivery__project__in=projects)
    condition |= Q(pk__in=_deliveries(tries.filter(NOT_WELL)))
    if Delivery.objects.filter(_within(projects) & condition).exists():
        return Found(condition)
    newest = DeliveryAttempt.objects.order_by("-pk").values("pk")[:NEWEST_TRIES]
    succeeded = tries.filter(pk__in=newest, outcome=AttemptOutcome.DELIVERED.value)
    return Found(Q(pk__in=_deliveries(succeeded)), bounded=True)


def find_events(text: str, projects: Projects) -> Q:
    """The events with this RevenueCat id or transaction id, of this customer, or with this email address."""
    names = _names(Customer.objects.filter(_within(projects) & Q(aliases__has_key=text)))
    return _events(text, projects) | Q(app_user_id=text) | _any_of(names)


def find_customers(text: str) -> Q:
    """The customers with this App User ID, alias or email address."""
    return Q(app_user_id=text) | _customers(text)


def _events(text: str, projects: Projects) -> Q:
    # The projects as values: then the id is looked up in an index that begins with them.
    of = list(Project.objects.values_list("pk", flat=True)) if projects is None else list(projects)
    transactions = ~Q(transaction_id="") & Q(transaction_id=text) | RENEWS_ANOTHER & Q(original_transaction_id=text)
    return Q(project__in=of) & (Q(project__in=of, event_id=text) | Q(email__in=emails(text)) | transactions)


def _customers(text: str) -> Q:
    return Q(email__in=emails(text)) | Q(aliases__has_key=text)


def _of_customers(customers: QuerySet[Customer]) -> Q:
    """Their deliveries: by the link, which only what was sent has, and by their ids in their own projects."""
    found = list(customers.values_list("pk", "project_id", "app_user_id")[:MOST_MATCHES])
    named = _any_of((project, name) for _, project, name in found)
    return Q(customer__in=[pk for pk, _, _ in found]) | named


def _names(customers: QuerySet[Customer]) -> Iterable[tuple[UUID, str]]:
    return list(customers.values_list("project_id", "app_user_id")[:MOST_MATCHES])


def _any_of(names: Iterable[tuple[UUID, str]]) -> Q:
    """Rows of these App User IDs, each in its project; keys of people without one are no names."""
    by_project: dict[UUID, list[str]] = {}
    for project, name in names:
        if not name.startswith(SHARED_KEY):
            by_project.setdefault(project, []).append(name)
    condition = Q(pk__in=[])
    for project, of_it in by_project.items():
        condition |= Q(project=project, app_user_id__in=of_it)
    return condition


def _within(projects: Projects) -> Q:
    return Q() if projects is None else Q(project__in=projects)


def _keys(rows: QuerySet[WebhookEvent]) -> list[int]:
    return list(rows.values_list("pk", flat=True)[:MOST_MATCHES])


def _deliveries(tries: QuerySet[DeliveryAttempt]) -> list[int]:
    return list(tries.values_list("delivery_id", flat=True)[:MOST_MATCHES])


def emails(text: str) -> list[str]:
    """An email address as entered, and as most systems store it."""
    return sorted({text, text.lower()})
