"""One person of a project: what is known of their subscription, and of their contact in Intercom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from integration.customer_state import CustomerState, FactJSON
from integration.intercom.contacts import Contact
from integration.intercom.messages import AttributeValue
from integration.mapping.identity import SHARED_KEY
from integration.mapping.money import NO_TOTALS, Totals
from integration.models.bulk import as_document
from integration.models.projects import Project
from integration.revenuecat.events import RevenueCatEvent

# So many ids of one person are remembered, and more where one event names more; the oldest are let go.
MOST_ALIASES = 100

# One statement: nothing has to be read, and what somebody else has decided meanwhile is respected all the same.
_REMEMBER = """
WITH new AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb)
    AS new(id bigint, contact_id varchar, contact_merged boolean, told jsonb, told_at timestamp with time zone,
           believed jsonb, lease timestamp with time zone, is_ours boolean)
), locked AS (
    SELECT id FROM integration_customer WHERE id = ANY(%s) ORDER BY app_user_id FOR UPDATE
)
UPDATE integration_customer AS old
SET contact_id = new.contact_id,
    contact_merged = new.contact_merged,
    told = CASE WHEN new.is_ours AND old.told = new.believed THEN new.told ELSE '{}' END,
    told_at = new.told_at,
    busy_until = CASE WHEN old.busy_until = new.lease THEN NULL ELSE old.busy_until END
FROM new JOIN locked USING (id)
WHERE old.id = new.id
"""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one try learnt of a customer's contact.

    `believed` is what the contact was thought to hold before the try, `lease` until when the customer was marked as
    busy for it; `is_ours` says whether the try still had its delivery when it was settled.
    """

    customer_id: int
    contact: Contact
    believed: Mapping[str, AttributeValue]
    learnt_at: datetime
    lease: datetime
    is_ours: bool


def _united(newer: Sequence[str], older: Sequence[str]) -> list[str]:
    """The aliases of both. An event need not name all of them, and whoever is pruned is still found by the others."""
    return list(dict.fromkeys((*newer, *older)))[: max(MOST_ALIASES, len(newer))]


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Finding customers, and keeping two drains apart."""

    def lock(self, project: Project, app_user_ids: Iterable[str]) -> dict[str, Customer]:
        """The customers with these ids, made where they are new, locked until the transaction ends."""
        wanted = sorted(set(app_user_ids))
        found = self._locked(project, wanted)
        missing = [app_user_id for app_user_id in wanted if app_user_id not in found]
        if missing:
            self.bulk_create(
                [Customer(project=project, app_user_id=app_user_id) for app_user_id in missing],
                ignore_conflicts=True,
            )
            found |= self._locked(project, missing)
        return found

    def lock_rows(self, ids: Iterable[int]) -> dict[int, Customer]:
        """The customers with these row ids that are still there, locked until the transaction ends."""
        rows = self.filter(pk__in=list(ids)).order_by("app_user_id").select_for_update()
        return {customer.pk: customer for customer in rows}

    def remember(self, learnt: Sequence[Learnt]) -> None:
        """Take over what tries learnt, each of another customer, and mark these as busy no longer.

        Where somebody has decided otherwise while the try was under way (a redelivery, another drain), it is
        forgotten what the contact holds: then the attributes are written once more.
        """
        document = [
            {
                "id": one.customer_id,
                "contact_id": one.contact.contact_id or "",
                "contact_merged": one.contact.merged,
                "told": one.contact.told,
                "told_at": one.learnt_at,
                "believed": one.believed,
                "lease": one.lease,
                "is_ours": one.is_ours,
            }
            for one in learnt
        ]
        with connection.cursor() as cursor:
            cursor.execute(_REMEMBER, [as_document(document), [one.customer_id for one in learnt]])

    def _locked(self, project: Project, app_user_ids: list[str]) -> dict[str, Customer]:
        # Always in the same order, so that two drains cannot lock each other out.
        rows = self.filter(project=project, app_user_id__in=app_user_ids).order_by("app_user_id").select_for_update()
        return {customer.app_user_id: customer for customer in rows}


class Customer(models.Model):
    """A customer of a project, by App User ID."""

    # No index of its own: the constraint's begins with it, and a planner short of statistics would take the wrong one.
    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="customers", db_index=False
    )
    app_user_id = models.CharField(max_length=255)
    aliases = models.JSONField(default=list, blank=True)
    email = models.CharField(_("email"), max_length=255, blank=True)
    last_event_at_ms = models.BigIntegerField(default=0)
    # The newest facts, from whichever events told them (integration.customer_state).
    state = models.JSONField(default=dict, blank=True)

    # Running totals (integration.mapping.money); revenue in US dollars.
    revenue_usd = models.DecimalField(max_digits=24, decimal_places=8, default=0, db_default=0)
    purchases = models.IntegerField(default=0, db_default=0)
    refunds = models.IntegerField(default=0, db_default=0)

    contact_id = models.CharField(_("Intercom contact id"), max_length=100, blank=True)
    contact_merged = models.BooleanField(default=False)
    # The attributes that Intercom is known to hold, and when they were learnt.
    told = models.JSONField(default=dict, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    # While a try is under way nobody else sends for this customer, so that no two calls can cross.
    busy_until = models.DateTimeField(null=True, blank=True)

    objects = CustomerQuerySet.as_manager()
    # `state` as it was when it was last read, and the value that it is.
    _read: tuple[dict[str, FactJSON], CustomerState] | None = None

    class Meta:
        ordering = ("app_user_id",)
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = (models.UniqueConstraint(fields=("project", "app_user_id"), name="one_row_per_app_user_id"),)
        indexes = (
            models.Index(fields=("email",)),
            models.Index(fields=("app_user_id",)),
            # Written where an alias is new, which for most customers is once.
            GinIndex(fields=("aliases",), name="customer_aliases"),
        )

    def __str__(self) -> str:
        # Those who are not known by an App User ID say by what.
        return self.app_user_id.removeprefix(SHARED_KEY)

    def is_busy(self, now: datetime) -> bool:
        """Whether somebody is sending for this customer at `now`."""
        return self.busy_until is not None and self.busy_until > now

    def known_state(self) -> CustomerState:
        """The stored facts as a value. It is asked for several times for each delivery, and read once."""
        if self._read is None or self._read[0] is not self.state:
            self._read = (self.state, CustomerState.from_json(self.state))
        return self._read[1]

    def learn(self, event: RevenueCatEvent, facts: CustomerState) -> None:
        """Merge what an event told; a late one adds only what was not known better. Does not save."""
        known = self.known_state().merge(facts)
        self.state = known.to_json()
        self._read = (self.state, known)
        ids = (*event.aliases, *self._others(event))
        if event.event_timestamp_ms >= self.last_event_at_ms:
            self.last_event_at_ms = event.event_timestamp_ms
            self.aliases = _united(ids, self.aliases)
            self.email = event.email or self.email
        else:
            self.aliases = _united(self.aliases, ids)

    def _others(self, event: RevenueCatEvent) -> list[str]:
        """Ids of the person beside the aliases, where the row goes by another one: so they are found by all of them."""
        ids = (event.app_user_id, event.original_app_user_id)
        return [one for one in ids if one and one != self.app_user_id and one not in event.aliases]

    @property
    def totals(self) -> Totals:
        """The running totals as a value."""
        return Totals(Decimal(self.revenue_usd), self.purchases, self.refunds)

    def count(self, totals: Totals) -> None:
        """Add what one event is worth; to be done once for each event. Does not save."""
        sum_ = self.totals + totals
        self.revenue_usd, self.purchases, self.refunds = sum_.revenue, sum_.purchases, sum_.refunds

    def give_back(self, totals: Totals) -> None:
        """Take out again what was counted for an event that turns out not to be theirs. Saves."""
        if totals != NO_TOTALS:
            Customer.objects.filter(pk=self.pk).update(
                revenue_usd=F("revenue_usd") - totals.revenue,
                purchases=F("purchases") - totals.purchases,
                refunds=F("refunds") - totals.refunds,
            )

    def contact(self, project: Project) -> Contact:
        """What is remembered of the contact; nothing where it was learnt with another access token.

        Asked before a try, while nobody sends for this customer: one that is marked as busy all the same was left by
        a worker that died. What Intercom was told by then nobody knows, so every attribute is written again.
        """
        changed_at = project.intercom_token_changed_at
        if self.told_at is None or (changed_at is not None and self.told_at < changed_at):
            return Contact()
        was_left = self.busy_until is not None
        return Contact(
            contact_id=self.contact_id or None,
            merged=self.contact_merged,
            told={} if was_left else dict(self.told),
        )


# What planning a delivery changes in its customer.
PLANNED_FIELDS = (
    "state", "last_event_at_ms", "aliases", "email", "busy_until", "revenue_usd", "purchases", "refunds",
)  # fmt: skip
