"""Forgets a customer: everything that names the person goes from every table of ours, and a number stays.

A person is all the App User IDs that RevenueCat has named together in one event (`app_user_id`, `original_app_user_id`,
`aliases`; https://www.revenuecat.com/docs/customers/identifying-customers), and those named with these. What is done
in Intercom and RevenueCat is not done here.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration.mapping.identity import SHARED_KEY
from integration.models.attempts import DeliveryAttempt
from integration.models.customers import Customer
from integration.models.deliveries import Delivery
from integration.models.discrepancies import Discrepancy, Reconciliation
from integration.models.events import WebhookEvent
from integration.models.identities import IdentityCase, IdentityLink
from integration.models.projects import Project
from integration.models.tallies import StaleHour

# The events that name one of some ids. It reads every event of the project: no index could tell, and it is rarely
# asked. The first column is the event; the others are the ids of one and the same person.
_NAMED = """
SELECT id, payload->'event'->>'app_user_id', payload->'event'->>'original_app_user_id', payload->'event'->'aliases'
FROM integration_webhookevent
WHERE project_id = %(project)s AND (
    app_user_id = ANY(%(ids)s)
    OR payload->'event'->>'app_user_id' = ANY(%(ids)s)
    OR payload->'event'->>'original_app_user_id' = ANY(%(ids)s)
    OR payload->'event'->'aliases' ?| %(ids)s
    OR payload->'event'->'transferred_from' ?| %(ids)s
    OR payload->'event'->'transferred_to' ?| %(ids)s
    OR payload->'event'->'redeemed_from' ?| %(ids)s
    OR payload->'event'->'redeemed_by' ?| %(ids)s
)
"""


class CustomerBusyError(Exception):
    """A delivery of the customer is being sent at this moment; `until` at the latest."""

    def __init__(self, until: datetime) -> None:
        super().__init__(_("A delivery of this customer is being sent at this moment. Try again in a minute."))
        self.until = until


class _OvertakenError(Exception):
    """A delivery of the customer has come and gone while others were being locked."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How much it was, or would be."""

    customers: int
    events: int
    deliveries: int
    attempts: int
    discrepancies: int = 0

    def __str__(self) -> str:
        parts = [
            (self.events, ngettext("%(count)s webhook event", "%(count)s webhook events", self.events)),
            (self.deliveries, ngettext("%(count)s delivery", "%(count)s deliveries", self.deliveries)),
            (self.attempts, ngettext("%(count)s attempt", "%(count)s attempts", self.attempts)),
            (self.customers, ngettext("%(count)s customer", "%(count)s customers", self.customers)),
        ]
        if self.discrepancies:
            said = ngettext("%(count)s discrepancy", "%(count)s discrepancies", self.discrepancies)
            parts.append((self.discrepancies, said))
        return ", ".join(said % {"count": f"{count:,}"} for count, said in parts)


NOTHING = Erased(0, 0, 0, 0)
# Rows that are named after a contact and not after an App User ID (integration.mapping.identity).
_SHARED = Q(app_user_id__startswith=SHARED_KEY)
# Each time somebody was overtaken; more often would be a fault of ours.
MOST_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Person:
    """One person of a project: all their ids, and every event that names one of them."""

    project: Project
    ids: frozenset[str]
    event_ids: frozenset[int]

    @classmethod
    def find(cls, project: Project, app_user_id: str) -> Person:
        """Whoever has this id, with all other ids of theirs. Reads every event of the project."""
        ids: set[str] = set()
        event_ids: set[int] = set()
        new = {app_user_id}
        while new:
            ids |= new
            named, others = _named(project.pk, new)
            event_ids |= named
            new = (others | _aliases(project, new)) - ids
        return cls(project, frozenset(ids), frozenset(event_ids))

    def known(self) -> Erased:
        """What there is to be forgotten."""
        deliveries = self._deliveries(self.event_ids)
        return Erased(
            customers=self._customers().count(),
            events=len(self.event_ids),
            deliveries=deliveries.count(),
            attempts=DeliveryAttempt.objects.filter(delivery__in=deliveries.values("pk")).count(),
            discrepancies=Discrepancy.objects.filter(customer__in=self._customers().values("pk")).count(),
        )

    def namesakes(self) -> int:
        """How many other customers of the project have the same email address."""
        emails = set(self._customers().exclude(email="").values_list("email", flat=True))
        others = Customer.objects.filter(project=self.project, email__in=emails)
        return others.exclude(app_user_id__in=self.ids).count()

    def forget(self, now: datetime) -> Erased:
        """Erase everything in one transaction, and count one more forgotten customer of the project.

        Raises CustomerBusyError, and erases nothing, while a delivery is being sent.
        """
        for _round in range(MOST_ROUNDS):
            # The door and the drain go on meanwhile: whoever is overtaken looks again, with nothing locked.
            with suppress(_OvertakenError), transaction.atomic():
                return self._forget(now)
        raise CustomerBusyError(now)

    def _forget(self, now: datetime) -> Erased:
        # Events before their deliveries: one that the door stores between the two is not half known. It is found by its
        # delivery, or else it is a later webhook of somebody new.
        since = WebhookEvent.objects.filter(project=self.project, app_user_id__in=self.ids)
        events = self.event_ids | set(since.values_list("pk", flat=True))
        # Deliveries before customers and each in one order, as everywhere, so that nobody locks anybody out.
        rows = self._deliveries(events).order_by("id").select_for_update(of=("self",))
        found = {
            pk: (event, arrived) for pk, event, arrived in rows.values_list("id", "webhook_event_id", "created_at")
        }
        deliveries = {pk: event for pk, (event, _) in found.items()}
        customers = list(self._customers().order_by("app_user_id").select_for_update())
        busy = [one.busy_until for one in customers if one.busy_until is not None and one.is_busy(now)]
        if busy:
            raise CustomerBusyError(max(busy))
        # What belongs to others, or was sent by the project for the sandbox on its own account, only loses the link.
        shared = [one.pk for one in customers if one.app_user_id not in self.ids or one.project_id != self.project.pk]
        others = Delivery.objects.exclude(pk__in=deliveries)
        others.filter(customer__in=shared).update(customer=None)
        if others.filter(customer__in=customers).exists():
            # It was stored and sent while we waited for a lock. From now on no delivery can come to these customers.
            raise _OvertakenError
        # An event that is owed to somebody else as well stays with them.
        owed = others.filter(webhook_event__in=events.union(deliveries.values()))
        kept = set(owed.values_list("webhook_event_id", flat=True))
        StaleHour.objects.mark(arrived for _, arrived in found.values())
        erased = Erased(
            attempts=_delete(DeliveryAttempt, "delivery_id", deliveries),
            deliveries=_delete(Delivery, "id", deliveries),
            events=_delete(WebhookEvent, "id", events.union(deliveries.values()) - kept),
            discrepancies=_delete(Discrepancy, "customer_id", [one.pk for one in customers]),
            customers=_delete(Customer, "id", [one.pk for one in customers]),
        )
        for rows_of in (IdentityCase.objects, IdentityLink.objects):
            rows_of.filter(project__in=self._projects(), app_user_id__in=self.ids).delete()
        # How far a comparison has come is told by an id; it may be this person's.
        names = self.ids.union(one.app_user_id for one in customers)
        Reconciliation.objects.filter(project__in=self._projects(), after__in=names).update(after="")
        if erased != NOTHING:
            projects = Project.objects.filter(pk=self.project.pk)
            projects.update(forgotten_customers=F("forgotten_customers") + 1)
        return erased

    def _deliveries(self, event_ids: Collection[int]) -> models.QuerySet[Delivery]:
        return Delivery.objects.filter(
            Q(webhook_event__in=event_ids) | Q(project=self.project, app_user_id__in=self.ids)
        )

    def _projects(self) -> list[UUID]:
        """The person's project, and the one that sends its sandbox events."""
        sent_by = self._deliveries(self.event_ids).order_by().values_list("project_id", flat=True).distinct()
        return [pk for pk in {self.project.pk, self.project.sandbox_project_id, *sent_by} if pk is not None]

    def _customers(self) -> models.QuerySet[Customer]:
        rows = Customer.objects.filter(project__in=self._projects())
        # A contact found by email, or by its own id, can be that of several people: what is known of it goes too.
        return rows.filter(Q(app_user_id__in=self.ids) | _SHARED & Q(aliases__has_any_keys=sorted(self.ids)))


def _named(project_id: UUID, ids: Collection[str]) -> tuple[set[int], set[str]]:
    """The events that name one of these ids, and all ids of the same person in them."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {"project": project_id, "ids": list(ids)})
        rows = cursor.fetchall()
    people = [{app_user_id, original, *_texts(aliases)} for _, app_user_id, original, aliases in rows]
    # An event that only tells of a transfer from or to the person names somebody else besides.
    same = [person for person in people if not person.isdisjoint(ids)]
    return {row[0] for row in rows}, {one for person in same for one in person if one}


def _aliases(project: Project, ids: Collection[str]) -> set[str]:
    """The ids of the customers who have one of these ids; they outlast their events."""
    named = Q(app_user_id__in=ids) | Q(aliases__has_any_keys=list(ids))
    rows = Customer.objects.filter(named, project=project).exclude(_SHARED)
    return {
        one for app_user_id, aliases in rows.values_list("app_user_id", "aliases") for one in (app_user_id, *aliases)
    }


def _texts(document: str | None) -> list[str]:
    """Of a list in JSON, which a cursor of Django's gives as text."""
    value = json.loads(document) if document else None
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _delete(model: type[models.Model], column: str, keys: Collection[int]) -> int:
    # Django's own delete() would read every payload first.
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE {column} = ANY(%s)", [list(keys)])  # noqa: S608
        return int(cursor.rowcount)
