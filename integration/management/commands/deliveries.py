"""`deliveries`: the log in the terminal, newest first, with every attempt."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.models import Delivery
from integration.models.attempts import OUTCOME_LABELS
from integration.retry import AttemptOutcome, DeliveryStatus


class Command(AppCommand):
    """Prints deliveries; `--json` prints one object a line, for scripts."""

    help = "Show deliveries and their attempts, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to show."""
        parser.add_argument("--project", metavar="ID|NAME")
        parser.add_argument("--status", choices=[str(status) for status in DeliveryStatus])
        parser.add_argument(
            "--limit",
            type=int,
            default=100,
            metavar="N",
            help="default: %(default)s; 0 shows all",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where there is no such project."""
        deliveries = Delivery.objects.select_related("webhook_event", "project").prefetch_related("attempts")
        if options["project"]:
            deliveries = deliveries.filter(project=chosen_project(options["project"]))
        if options["status"]:
            deliveries = deliveries.filter(status=options["status"])
        if options["limit"] > 0:
            deliveries = deliveries[: options["limit"]]
        found = False
        for delivery in deliveries.iterator(chunk_size=200):
            found = True
            row = as_json(delivery)
            self.stdout.write(json.dumps(row, ensure_ascii=False) if options["json"] else "\n".join(_lines(row)))
        if not found and not options["json"]:
            self.stdout.write("None.")


def as_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery with its event and its attempts, oldest attempt first; times in ISO 8601, UTC."""
    event = delivery.webhook_event
    return {
        "id": delivery.pk,
        "project": str(delivery.project_id),
        "project_name": delivery.project.name,
        "revenuecat_id": event.event_id,
        "revenuecat_type": event.type,
        "event_type": delivery.event_type or None,
        "event_name": delivery.event_name or None,
        "app_user_id": delivery.app_user_id or None,
        "environment": event.environment or None,
        "status": delivery.status,
        "reason": delivery.reason or None,
        "explanation": delivery.explanation or None,
        "waits_for": delivery.project.why_not_sending(timezone.now()) if delivery.due_at else None,
        "tries": delivery.tries,
        "received_at": delivery.created_at.isoformat(),
        "next_try_at": delivery.due_at.isoformat() if delivery.due_at else None,
        "finished_at": delivery.finished_at.isoformat() if delivery.finished_at else None,
        "attempts": [
            {
                "started_at": attempt.started_at.isoformat(),
                "finished_at": attempt.finished_at.isoformat() if attempt.finished_at else None,
                "outcome": attempt.outcome or None,
                "error": attempt.error or None,
                "exchanges": attempt.exchanges,
            }
            for attempt in sorted(delivery.attempts.all(), key=lambda attempt: attempt.pk)
        ],
    }


def _lines(row: dict[str, Any]) -> Iterable[str]:
    what = row["event_name"] or row["revenuecat_type"]
    person = row["app_user_id"] or "-"
    yield f"{_utc(row['received_at'])}  {row['status']:<9}  {what}  {person}  {row['revenuecat_id']}"
    if row["explanation"]:
        yield f"    {row['explanation']}"
    if row["waits_for"]:
        yield f"    {row['waits_for']}"
    elif row["next_try_at"] and row["attempts"] and row["attempts"][-1]["finished_at"]:
        yield f"    Next try at {_utc(row['next_try_at'])}."
    for attempt in row["attempts"]:
        outcome = OUTCOME_LABELS[AttemptOutcome(attempt["outcome"])] if attempt["outcome"] else "Under way"
        yield f"    {_utc(attempt['started_at'])}  {outcome}"
        for exchange in attempt["exchanges"]:
            answer = exchange["status"] or exchange["error"]
            yield f"        {exchange['method']} {exchange['path']}  {answer}  {exchange['milliseconds']} ms"


def _utc(moment: str) -> str:
    """For people: without fractions of a second."""
    return f"{moment[:19].replace('T', ' ')} UTC"
