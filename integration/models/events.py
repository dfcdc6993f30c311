"""What arrived, raw: one row for each RevenueCat event id and project, kept whatever becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from integration.models.projects import Project
from integration.revenuecat.events import RevenueCatEvent, parse

RENEWS_ANOTHER = ~Q(original_transaction_id="") & ~Q(original_transaction_id=F("transaction_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A webhook as the door understood it: whose event it is, and the body as JSON text PostgreSQL can hold.

    `app_user_id` is the customer that the event names, "" where there is none; `people` are all that it is about, with
    one delivery each.
    """

    event_id: str
    type: str
    app_user_id: str
    people: list[str]
    email: str
    environment: str
    store: str
    product_id: str
    event_at: datetime | None
    document: str
    transaction_id: str = ""
    original_transaction_id: str = ""


class WebhookEvent(models.Model):
    """What RevenueCat sent, raw. The named columns repeat parts of the payload, for looking things up."""

    # No index of its own: one below begins with it, and every index costs at every webhook.
    project = models.ForeignKey(
        Project, verbose_name=_("project"), on_delete=models.CASCADE, related_name="webhook_events", db_index=False
    )
    event_id = models.CharField(_("RevenueCat id"), max_length=255)
    type = models.CharField(_("type"), max_length=255)
    app_user_id = models.CharField(_("app user id"), max_length=255, blank=True)
    email = models.CharField(_("email"), max_length=255, blank=True)
    environment = models.CharField(_("environment"), max_length=50, blank=True)
    store = models.CharField(_("store"), max_length=50, blank=True)
    product_id = models.CharField(_("product id"), max_length=255, blank=True)
    # The store's ids of the purchase, and of the first one of its subscription.
    transaction_id = models.CharField(_("transaction id"), max_length=255, blank=True, db_default="")
    original_transaction_id = models.CharField(_("original transaction id"), max_length=255, blank=True, db_default="")
    event_at = models.DateTimeField(_("happened"), null=True, blank=True)
    payload = models.JSONField()
    received_at = models.DateTimeField(_("received"))
    repeats = models.PositiveIntegerField(_("repeats"), default=0, help_text=_("How often RevenueCat sent it again."))
    last_repeated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        permissions = (("view_payload", "Can read payloads, and what was said to Intercom"),)
        constraints = (models.UniqueConstraint(fields=("project", "event_id"), name="one_row_per_event_id"),)
        indexes = (
            # An event id is looked up within projects, by the constraint's index.
            models.Index(fields=("app_user_id",)),
            models.Index(fields=("email",)),
            models.Index(fields=("project", "-id"), name="webhook_event_project"),
            models.Index(fields=("type", "-id")),
            models.Index(fields=("environment", "-id")),
            models.Index(fields=("received_at",)),
            models.Index(fields=("transaction_id",), condition=~Q(transaction_id=""), name="event_transaction"),
            # A first purchase is found by its own id, which is the same one.
            models.Index(
                fields=("original_transaction_id",), condition=RENEWS_ANOTHER, name="event_original_transaction"
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    def parsed(self, person: str = "") -> RevenueCatEvent:
        """The typed value of this event for one of its people; the same row always gives the same value."""
        event: dict[str, Any] = self.payload["event"]
        return parse(
            event,
            received_at_ms=int(self.received_at.astimezone(UTC).timestamp() * 1000),
            person=person or None,
        )
