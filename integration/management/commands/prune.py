"""`prune`: deletes now what the projects' settings let go of, instead of waiting for the worker's next hour."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from integration.management.base import AppCommand
from integration.models import Project
from integration.models.retention import expired, prune_found, pruning
from integration.retry import DeliveryStatus


class Command(AppCommand):
    """Says how many events of each project went; safe while everything runs, and beside the worker's own pruning."""

    help = "Delete settled events that are older than their project keeps them. The worker does it every hour, too."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the option."""
        parser.add_argument("--dry-run", action="store_true", help="say how many would go, and delete nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Until nothing is left to prune."""
        now = timezone.now()
        counts: Counter[tuple[str, DeliveryStatus]] = Counter()
        if options["dry_run"]:
            for project in Project.objects.all():
                counts.update({(project.name, group.status): group.count() for group in expired(project, now)})
        else:
            for group, count in pruning(now):
                counts[group.project.name, group.status] += count
            if found := prune_found(now):
                self.stdout.write(f"Deleted {found} discrepancies.")
        done = "Would delete" if options["dry_run"] else "Deleted"
        for name in sorted({name for name, _ in +counts}):
            said = ", ".join(f"{counts[name, status]} {status}" for status in DeliveryStatus if counts[name, status])
            self.stdout.write(f"{done} of “{name}”: {said}.")
        if not +counts:
            self.stdout.write("Nothing is old enough to be pruned.")
