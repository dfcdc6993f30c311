"""One person of a project: what is known of their subscription, and of their contact in Intercom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import models

from integration.customer_state import CustomerState
from integration.intercom.contacts import Contact
from integration.models.projects import Project
from integration.revenuecat.events import RevenueCatEvent


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

    def _locked(self, project: Project, app_user_ids: list[str]) -> dict[str, Customer]:
        # Always in the same order, so that two drains cannot lock each other out.
        rows = self.filter(project=project, app_user_id__in=app_user_ids).order_by("app_user_id").select_for_update()
        return {customer.app_user_id: customer for customer in rows}


class Customer(models.Model):
    """A customer of a project, by App User ID."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="customers")
    app_user_id = models.CharField(max_length=255)
    aliases = models.JSONField(default=list, blank=True)
    email = models.CharField(max_length=255, blank=True)
    last_event_at_ms = models.BigIntegerField(default=0)
    # The newest facts, from whichever events told them (integration.customer_state).
    state = models.JSONField(default=dict, blank=True)

    contact_id = models.CharField("Intercom contact id", max_length=100, blank=True)
    contact_merged = models.BooleanField(default=False)
    # The attributes that Intercom is known to hold, and when they were learnt.
    told = models.JSONField(default=dict, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    # While a try is under way nobody else sends for this customer, so that no two calls can cross.
    busy_until = models.DateTimeField(null=True, blank=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ("app_user_id",)
        constraints = (models.UniqueConstraint(fields=("project", "app_user_id"), name="one_row_per_app_user_id"),)
        indexes = (
            models.Index(fields=("email",)),
            models.Index(fields=("app_user_id",)),
        )

    def __str__(self) -> str:
        return self.app_user_id

    def is_busy(self, now: datetime) -> bool:
        """Whether somebody is sending for this customer at `now`."""
        return self.busy_until is not None and self.busy_until > now

    def known_state(self) -> CustomerState:
        """The stored facts as a value."""
        return CustomerState.from_json(self.state)

    def learn(self, event: RevenueCatEvent, facts: CustomerState) -> None:
        """Merge what an event told; a late one adds only what was not known better. Does not save."""
        self.state = self.known_state().merge(facts).to_json()
        if event.event_timestamp_ms >= self.last_event_at_ms:
            self.last_event_at_ms = event.event_timestamp_ms
            self.aliases = list(event.aliases)
            self.email = event.email or self.email

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

    def remember(self, contact: Contact, now: datetime) -> None:
        """Take over what a try learnt of the contact. Does not save."""
        self.contact_id = contact.contact_id or ""
        self.contact_merged = contact.merged
        self.told = dict(contact.told)
        self.told_at = now
