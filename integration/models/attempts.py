"""The log of every try, with each HTTP exchange of it. Secrets never get here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from integration.models.deliveries import Delivery
from integration.retry import AttemptOutcome, Settlement

OUTCOME_LABELS = {
    AttemptOutcome.DELIVERED: "Delivered",
    AttemptOutcome.RETRY: "Failed, tried again",
    AttemptOutcome.REJECTED: "Rejected by Intercom",
    AttemptOutcome.CREDENTIALS: "Access token refused",
    AttemptOutcome.ATTRIBUTES: "An attribute cannot be made",
    AttemptOutcome.RATE_LIMITED: "Rate limit reached",
    AttemptOutcome.AMBIGUOUS: "Several contacts could be meant",
    AttemptOutcome.INTERRUPTED: "Worker stopped",
    AttemptOutcome.CRASHED: "Unexpected error",
    AttemptOutcome.REHEARSED: "Not sent, only logged",
}
INTERRUPTED = "The worker stopped before the outcome was known. Sending again is harmless: Intercom drops repeats."


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """What one try leaves in the log; `exchanges` as JSON, without secrets."""

    finished_at: datetime
    exchanges: list[dict[str, Any]]
    traceback: str = ""

    @property
    def seconds_of_calls(self) -> float:
        """How long its calls have taken in all."""
        return float(sum(exchange["milliseconds"] for exchange in self.exchanges)) / 1000


class DeliveryAttemptQuerySet(models.QuerySet["DeliveryAttempt"]):
    """The log's own verbs."""

    def interrupt(self, deliveries: Sequence[Delivery], now: datetime) -> int:
        """Close the attempts that a worker left open when it stopped."""
        return self.filter(delivery__in=deliveries, finished_at=None).update(
            finished_at=now, outcome=AttemptOutcome.INTERRUPTED, error=INTERRUPTED
        )


class DeliveryAttempt(models.Model):
    """One try, with every HTTP exchange of it; secrets never get here."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    started_at = models.DateTimeField("started")
    finished_at = models.DateTimeField("finished", null=True, blank=True)
    outcome = models.CharField(
        max_length=20,
        blank=True,
        choices=[(str(outcome), label) for outcome, label in OUTCOME_LABELS.items()],
    )
    error = models.TextField(blank=True)
    exchanges = models.JSONField(default=list, blank=True)
    # Only for errors nobody foresaw.
    traceback = models.TextField(blank=True)

    objects = DeliveryAttemptQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Attempt of {self.started_at:%Y-%m-%d %H:%M:%S} UTC"

    def close(self, settlement: Settlement, log: AttemptLog) -> None:
        """Write down how the try ended. Does not save."""
        self.finished_at = log.finished_at
        self.outcome = settlement.outcome
        self.error = settlement.error
        self.exchanges = log.exchanges
        self.traceback = log.traceback

    def rehearse(self, calls: list[dict[str, Any]], now: datetime) -> None:
        """Write down what would have been sent. Does not save."""
        self.finished_at = now
        self.outcome = AttemptOutcome.REHEARSED
        self.exchanges = calls


CLOSED_FIELDS = ("finished_at", "outcome", "error", "exchanges", "traceback")
