"""`import_events FILE`: brings history in: webhooks as JSON lines, or RevenueCat's transaction export."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from integration.management.base import AppCommand
from integration.management.history_file import KINDS, HistoryFile, opened
from integration.management.history_import import HistoryImporter
from integration.management.progress import Progress
from integration.management.projects import chosen_project
from integration.models import HistoryImport, Project, WebhookEvent
from integration.revenuecat.history import Place, transaction_rows
from integration.revenuecat.transactions import ID_PREFIX

# Exit codes, for scripts; 1 is that of a CommandError.
SOME_UNUSABLE = 2
INTERRUPTED = 130
PER_MINUTE = 1000


class Command(AppCommand):
    """Stores what is new as the door would; sending is the worker's. What is interrupted goes on in the next run."""

    help = (
        f"Import history from a file: {KINDS}, also with .gz. JSON lines hold a webhook each, a CSV is RevenueCat's "
        "scheduled export of transactions. Known events are counted as repeats. Ends with 0; with 1 where it could not "
        f"go on; with {SOME_UNUSABLE} where lines could not be used, which are named on standard error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which file, into which project, and what is to be told of it."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--project", metavar="ID|NAME", help="needed where there is more than one project")
        parser.add_argument("--dry-run", action="store_true", help="count what would be done, and write nothing")
        told = parser.add_mutually_exclusive_group()
        told.add_argument(
            "--attributes-only",
            action="store_true",
            help="the contacts' attributes follow, and no data event is sent; this is the default",
        )
        told.add_argument("--with-events", action="store_true", help="send data events too, with their original times")
        parser.add_argument(
            "--before", metavar="TIME", type=moment, help="leave out what happened then or later; UTC: 2026-03-01T12:00"
        )
        parser.add_argument(
            "--per-minute",
            metavar="N",
            type=int,
            default=PER_MINUTE,
            help="how many of them come due in a minute, so that webhooks do not wait behind them; 0: all at once; "
            "default: %(default)s",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where it cannot begin or go on; exits with `SOME_UNUSABLE` or `INTERRUPTED`."""
        project = chosen_project(options["project"])
        if options["per_minute"] < 0:
            raise CommandError("--per-minute is a number from 0 on.")
        contact_only = not options["with_events"]
        with opened(options["file"]) as file:
            if file.reader is transaction_rows and options["before"] is None:
                refuse_to_count_twice(project, contact_only=contact_only)
            row = self._row(project, file, contact_only=contact_only, is_dry=options["dry_run"])
            progress = Progress(self.stdout)
            importer = HistoryImporter(
                row,
                before=options["before"],
                per_minute=options["per_minute"],
                refuse=lambda line, why: progress.say(f"line {line}: {why}", self.stderr),
            )
            records = file.records(Place(row.offset, row.line), now_ms=int(timezone.now().timestamp() * 1000))
            steps = importer.rehearse(records) if options["dry_run"] else importer.bring_in(records)
            self._follow(steps, file, row, progress)
            progress.say(summary(row, is_dry=options["dry_run"]))
        if row.unusable:
            sys.exit(SOME_UNUSABLE)

    def _row(self, project: Project, file: HistoryFile, *, contact_only: bool, is_dry: bool) -> HistoryImport:
        now = timezone.now()
        if is_dry:
            # Never saved: it only counts.
            return HistoryImport(project=project, contact_only=contact_only, started_at=now)
        row = HistoryImport.begun(project, file.digest(), now, contact_only=contact_only)
        if row.line:
            self.stdout.write(
                f"Going on after line {row.line:,}, where the import of {row.started_at.astimezone(UTC):%Y-%m-%d %H:%M}"
                " UTC was interrupted. The counts are those of both."
            )
        return row

    def _follow(
        self, steps: Iterator[HistoryImport], file: HistoryFile, row: HistoryImport, progress: Progress
    ) -> None:
        """Let it run, and say how far it is. Nothing is lost whatever stops it."""
        stored = row.line
        try:
            for step in steps:
                stored = step.line
                progress.show(file.fraction, f"line {step.line:,}: {counts(step)}")
        except KeyboardInterrupt:
            progress.say(f"Stopped. Run the same command again: it goes on after line {stored:,}.", self.stderr)
            sys.exit(INTERRUPTED)
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                f"The database does not answer. Run the same command again: it goes on after line {stored:,}."
            ) from error


def refuse_to_count_twice(project: Project, *, contact_only: bool) -> None:
    """Raise CommandError where an export would tell or count once more what came by webhook: it has no ids of events.

    Where neither data events nor totals are wanted there is nothing to count: the newest fact wins, however often told.
    """
    if contact_only and not project.lifetime_totals:
        return
    own = WebhookEvent.objects.filter(project=project).exclude(event_id__startswith=ID_PREFIX)
    first = own.order_by("id").first()
    if first is not None:
        raise CommandError(
            f"“{project}” has events that did not come from an export, the first of "
            f"{first.received_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC. An export has no ids of events, so what is in "
            "both would be told and counted twice. Say with --before since when webhooks come in."
        )


def counts(row: HistoryImport) -> str:
    """What the lines so far have come to."""
    return (
        f"{row.new:,} new, {row.repeated:,} already there, {row.left_out:,} left out, {row.unusable:,} lines not usable"
    )


def summary(row: HistoryImport, *, is_dry: bool) -> str:
    """The last line."""
    if is_dry:
        return f"Nothing was written. To be imported into “{row.project}”: {counts(row)}."
    told = "Contacts' attributes follow, no data events are sent." if row.contact_only else "Data events are sent too."
    due = f" The last is due at {row.due_until.astimezone(UTC):%Y-%m-%d %H:%M} UTC." if row.due_until else ""
    return f"Imported into “{row.project}”: {counts(row)}. {told}{due}"


def moment(text: str) -> datetime:
    """A time on the command line, in UTC unless it says otherwise. Raises ValueError, which argparse reports."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
