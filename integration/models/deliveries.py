"""The outbox: what is owed to Intercom, and what became of it. The only place where a status is assigned.

A delivery that is being sent stays `pending` and its `due_at` is the end of a lease; whoever settles it must
still hold that lease (compare-and-swap), so two workers on one delivery are harmless.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models, transaction
from django.db.models import F
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integration.event_types import BY_TYPE, EventType
from integration.intercom.messages import normalised_event_name
from integration.mapping import Send, Skip, Wait, WaitReason
from integration.mapping.money import NO_TOTALS
from integration.models.accepting import Accepted, accept
from integration.models.claiming import lease_due
from integration.models.customers import Customer
from integration.models.delivery_indexes import DELIVERY_INDEXES
from integration.models.events import Envelope, WebhookEvent
from integration.models.projects import Project
from integration.models.tallies import StaleHour
from integration.retry import DeliveryStatus, Settlement

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

STATUS_LABELS: Mapping[DeliveryStatus, _StrPromise] = {
    DeliveryStatus.PENDING: _("Pending"),
    DeliveryStatus.DELIVERED: _("Delivered"),
    DeliveryStatus.SKIPPED: _("Skipped"),
    DeliveryStatus.FAILED: _("Failed"),
}


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """What is due, and the verbs on many deliveries."""

    def accept(
        self,
        project_id: UUID,
        envelope: Envelope,
        now: datetime,
        *,
        version: str = "",
        bell: str = "",
        due: datetime | None = None,
        contact_only: bool = False,
    ) -> Accepted | None:
        """Store an event and the delivery that is owed for it, due now or at `due`; with no data event `contact_only`.

        Returns None, and stores nothing, where there is no such project, or its row is not of that `version`
        (`Project.objects.with_version`) any more. `bell` is the lock of the bell to look at. Outside a transaction
        all is committed when this returns.
        """
        return accept(project_id, envelope, now, version=version, bell=bell, due=due, contact_only=contact_only)

    def due(self, now: datetime) -> DeliveryQuerySet:
        """Owed and to be sent at `now` or before; a lease that has run out counts."""
        return self.filter(status=DeliveryStatus.PENDING, due_at__lte=now)

    def claim(
        self,
        project: Project,
        now: datetime,
        *,
        lease: datetime,
        limit: int,
        busy: Collection[str],
    ) -> list[Delivery]:
        """Lease up to `limit` due deliveries, oldest first, at most one of a customer, none of those in `busy`.

        Inside a transaction. Leases nothing that another drain is leasing at this moment.
        """
        return lease_due(self.due(now), project, now, lease=lease, limit=limit, busy=busy)

    def with_event_seconds(self, customers: Iterable[int], seconds: Iterable[int]) -> set[tuple[int, str, int]]:
        """Which (customer, event name, second) are spoken for among those asked about."""
        rows = self.filter(customer_id__in=customers, event_second__in=seconds)
        return {
            (customer_id, normalised_event_name(name), second)
            for customer_id, name, second in rows.values_list("customer_id", "event_name", "event_second")
            if customer_id is not None and second is not None
        }

    def waiting(self) -> DeliveryQuerySet:
        """Pending until somebody is named: they have no next try."""
        return self.filter(status=DeliveryStatus.PENDING, due_at=None)

    def release(self) -> int:
        """Owe those of them that wait for a name again, each at its old place in the order. Returns how many."""
        return self.waiting().update(due_at=F("created_at"), reason="", explanation="", tries=0)

    def requeue(self, now: datetime) -> int:
        """Owe these deliveries again, from now: they are planned anew with today's settings.

        What is believed of their contacts' attributes is forgotten, so that they are written again too.
        Returns how many there are. Whoever calls rings for the projects.
        """
        with transaction.atomic():
            # Locked in the drain's order, deliveries before customers, or the two could lock each other out.
            arrived = dict(self.values_list("id", "created_at"))
            ids = list(arrived)
            rows = Delivery.objects.filter(id__in=ids).order_by("id").select_for_update()
            customers = {customer_id for customer_id in rows.values_list("customer_id", flat=True) if customer_id}
            Customer.objects.lock_rows(customers)
            Customer.objects.filter(pk__in=customers).update(told={})
            StaleHour.objects.mark(arrived.values())
            return Delivery.objects.filter(id__in=ids).update(
                status=DeliveryStatus.PENDING,
                due_at=now,
                tries=0,
                reason="",
                explanation="",
                finished_at=None,
                redelivered=True,
            )


class Delivery(models.Model):
    """The duty to tell Intercom of one event."""

    # No indexes of their own: one below begins with each of them, and every index costs at every webhook.
    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    webhook_event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.SET_NULL, null=True, related_name="deliveries", db_index=False
    )
    app_user_id = models.CharField(_("customer"), max_length=255, blank=True)
    # The event's, once more: the log is filtered by them together with what only a delivery has.
    environment = models.CharField(_("environment"), max_length=50, blank=True, db_default="")
    store = models.CharField(_("store"), max_length=50, blank=True, db_default="")
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=[(str(status), label) for status, label in STATUS_LABELS.items()],
        default=DeliveryStatus.PENDING.value,
    )
    # Why it was skipped (SkipReason), for filtering; `explanation` says it to people.
    reason = models.CharField(max_length=50, blank=True)
    explanation = models.TextField(_("why"), blank=True)
    event_type = models.CharField(max_length=50, blank=True)
    # The data event as it was last planned: Intercom drops a second one of this contact, name and second.
    event_name = models.CharField(_("event name"), max_length=120, blank=True)
    event_second = models.BigIntegerField(null=True, blank=True)
    # Whether its event is in the customer's running totals, so that no retry counts it again.
    counted = models.BooleanField(default=False, db_default=False)
    # The contact follows and no data event is sent: for history that is brought in later.
    contact_only = models.BooleanField(default=False, db_default=False)
    # Somebody owed it again: what it took in all says nothing of how quick the app is.
    redelivered = models.BooleanField(default=False, db_default=False)
    tries = models.PositiveIntegerField(default=0)
    # The HTTP status of the last exchange of the newest try, 0 where no answer came; None where nothing was asked.
    last_answer = models.PositiveSmallIntegerField(null=True, blank=True)
    due_at = models.DateTimeField(_("next try"), null=True, blank=True)
    created_at = models.DateTimeField(_("received"))
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        permissions = (("redeliver_delivery", "Can redeliver"),)
        constraints = (
            models.UniqueConstraint(
                fields=("webhook_event", "app_user_id"),
                name="one_delivery_per_event_and_person",
            ),
        )
        indexes = DELIVERY_INDEXES

    def __str__(self) -> str:
        return gettext("%(event)s for %(person)s") % {
            "event": gettext(self.label),
            "person": self.app_user_id or gettext("nobody"),
        }

    @property
    def label(self) -> str:
        """The event type's label; RevenueCat's type where there is none, or a later version wrote the row."""
        known = self.event_type in set(EventType)
        return BY_TYPE[EventType(self.event_type)].label if known else self.webhook_event.type

    # --- One try, from claim to settlement: fields only; the drain saves in batches ----------------------

    def skip(self, skip: Skip, now: datetime) -> None:
        """Settle without sending. Does not save."""
        self._settle(DeliveryStatus.SKIPPED, skip.sentence, now)
        self.reason, self.event_type, self.event_name = str(skip.reason), str(skip.event_type or ""), ""

    def hand_over(self, project_id: UUID, now: datetime) -> None:
        """Be owed by another project from now on. Does not save."""
        self.project_id = project_id
        self.due_at = now

    def wait(self, wait: Wait) -> None:
        """Have no next try until somebody is named. Does not save."""
        self.due_at = None
        self.reason, self.explanation = str(wait.reason), wait.sentence
        self.event_type = str(wait.event_type or "")

    def plan(self, send: Send, customer: Customer, second: int | None) -> None:
        """Take over what is to be sent, and count the try before it is made. Does not save."""
        self.customer = customer
        self.counted = self.counted or send.totals != NO_TOTALS
        self.event_type = str(send.event_type or "")
        self.event_name = send.data_event.event_name if send.data_event else ""
        self.event_second = second
        self.reason = ""
        self.tries += 1

    def crash(self, settlement: Settlement, now: datetime) -> None:
        """Count a try that failed before anything could be sent. Does not save."""
        self.tries += 1
        self.settle(settlement, now)

    def settle(self, settlement: Settlement, now: datetime, note: str = "") -> None:
        """Become what `settlement` says. Does not save."""
        if settlement.status is not DeliveryStatus.PENDING:
            self._settle(settlement.status, settlement.error or note, now)
            return
        # Said anew, for one that could not be written down as what it had become first.
        self.status, self.finished_at = DeliveryStatus.PENDING, None
        self.explanation = settlement.error
        self.due_at = settlement.due_at
        if settlement.candidates:
            self.reason = str(WaitReason.AMBIGUOUS)
        if settlement.hold is not None:
            # Not its fault: the try does not count, and it takes its old place in the order.
            self.tries = max(self.tries - 1, 0)
            self.due_at = self.created_at

    def _settle(self, status: DeliveryStatus, explanation: str, now: datetime) -> None:
        self.status = status
        self.explanation = explanation
        self.due_at = None
        self.finished_at = now


CLAIMED_FIELDS = (
    "status", "reason", "explanation", "event_type", "event_name", "event_second", "tries", "due_at", "finished_at",
    "customer", "counted", "project",
)  # fmt: skip
SETTLED_FIELDS = (
    "status", "reason", "explanation", "tries", "due_at", "finished_at", "counted", "last_answer",
)  # fmt: skip
