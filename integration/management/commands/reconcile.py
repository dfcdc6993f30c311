"""`reconcile`: compares what is kept of subscriptions with what RevenueCat says now; lists or repairs what differs."""

from __future__ import annotations

import sys
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from integration.bells import ring
from integration.inquiry.comparing import DAYS, LOOK_SECONDS, MOST_DAYS, go_on
from integration.management.base import AppCommand
from integration.management.projects import chosen_project
from integration.models import Discrepancy, Project, Reconciliation

MOST_SHOWN = 50
# The exit code of what Ctrl-C has stopped.
INTERRUPTED = 130


class Command(AppCommand):
    """Works by itself, without a worker; what it repairs a worker sends. Interrupted, it goes on where it stopped."""

    help = (
        "Compare what is kept of customers with what RevenueCat's API says of their subscriptions now. Lists what "
        "differs; with --repair takes it over and brings the contacts in Intercom up to date."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which customers of which project, and what to do about them."""
        parser.add_argument("--project", metavar="ID|NAME", help="needed where there is more than one project")
        parser.add_argument(
            "--days",
            type=int,
            default=DAYS,
            metavar="N",
            help="customers whose last event is at most so many days old; default: %(default)s",
        )
        parser.add_argument("--repair", action="store_true", help="take over what RevenueCat says")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where RevenueCat cannot be asked, or the comparison had to stop."""
        project, days = chosen_project(options["project"]), options["days"]
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days is a number from 1 to {MOST_DAYS}.")
        run = Reconciliation.begin(project, days=days, repair=options["repair"], now=timezone.now())
        if run.is_busy(timezone.now()):
            raise CommandError(f"“{project}” is being compared already, since {run.started_at:%Y-%m-%d %H:%M} UTC.")
        if run.after:
            self.stdout.write(f"Goes on with the comparison that was begun at {run.started_at:%Y-%m-%d %H:%M} UTC.")
        try:
            self._compare(run)
        except KeyboardInterrupt:
            # So that no worker goes on with what somebody has stopped.
            run.leave(problem="It was interrupted.")
            self.stderr.write(f"Stopped: {run.counts}. Run it again to go on.")
            sys.exit(INTERRUPTED)
        self._show(project, run)

    def _compare(self, run: Reconciliation) -> None:
        never = threading.Event()
        while True:
            done = go_on(run, stop=never, now=timezone.now)
            if done.must_ring:
                ring(run.project_id)
            if run.problem:
                raise CommandError(f"{run.problem} Until then: {run.counts}. Run it again to go on.")
            if not done.more:
                return
            self.stdout.write(f"{run.counts} …")
            never.wait(min(done.wait_seconds, LOOK_SECONDS))

    def _show(self, project: Project, run: Reconciliation) -> None:
        rows = Discrepancy.objects.filter(project=project, found_at__gte=run.started_at).select_related("customer")
        for row in rows.order_by("id")[:MOST_SHOWN]:
            repaired = "  repaired" if row.repaired_at else ""
            self.stdout.write(f"{row.customer}  {row}{repaired}")
        self.stdout.write(f"“{project}”: {run.counts}.")
