"""The log of every try, with each HTTP exchange of it. Secrets never get here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func, Q
from django.utils.translation import gettext_lazy as _

from integration.models.deliveries import Delivery
from integration.retry import AttemptOutcome, Settlement

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

OUTCOME_LABELS: Mapping[AttemptOutcome, _StrPromise] = {
    AttemptOutcome.DELIVERED: _("Delivered"),
    AttemptOutcome.RETRY: _("Failed, tried again"),
    AttemptOutcome.REJECTED: _("Rejected by Intercom"),
    AttemptOutcome.CREDENTIALS: _("Not allowed by Intercom"),
    AttemptOutcome.ATTRIBUTES: _("An attribute cannot be made"),
    AttemptOutcome.RATE_LIMITED: _("Rate limit reached"),
    AttemptOutcome.AMBIGUOUS: _("Several contacts could be meant"),
    AttemptOutcome.INTERRUPTED: _("Worker stopped"),
    AttemptOutcome.CRASHED: _("Unexpected error"),
    AttemptOutcome.REHEARSED: _("Not sent, only logged"),
}
# Whose request ids are in an index: those that somebody has a reason to ask for, and few.
NOT_WELL = ~Q(outcome__in=("", AttemptOutcome.DELIVERED.value))
INTERRUPTED = "The worker stopped before the outcome was known. Sending again is harmless: Intercom drops repeats."


class RequestIds(Func):
    """The request ids by which Intercom knows the calls of a try, as a JSON array."""

    template = "jsonb_path_query_array(%(expressions)s, '$[*].request_id')"
    output_field = models.JSONField()


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

    @property
    def last_answer(self) -> int | None:
        """The HTTP status of its last call, 0 where no answer came; None where nothing was asked."""
        return int(self.exchanges[-1].get("status") or 0) if self.exchanges else None


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
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
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
        indexes = (GinIndex(RequestIds("exchanges"), condition=NOT_WELL, name="attempt_request_ids"),)

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
