"""Brings records of history in, in batches: each batch is one transaction, with how far the import has come.

So a killed import has stored exactly what it says it has. Nothing is rung for: what is due the tending finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import APIException

from integration.envelopes import parse_envelope
from integration.models import Delivery, HistoryImport, WebhookEvent
from integration.models.events import Envelope
from integration.models.imports import ImportTakenOverError
from integration.revenuecat.history import Place, Record

# A batch holds the door's repeats of its events up for as long as it takes, and no longer than a moment.
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024 * 1024
BATCH_LINES = 5000
TAKEN_OVER = "Another process is importing this file into this project, or the project has been deleted."


@dataclass(frozen=True, slots=True)
class Entry:
    """What a record comes to: events to store, how many are not wanted, or a problem."""

    line: int
    end: Place
    size: int
    envelopes: tuple[Envelope, ...] = ()
    left_out: int = 0
    problem: str = ""


def entry_of(record: Record, before: datetime | None) -> Entry:
    """Read a record as the door would, leaving out what happened at `before` or later."""
    size = sum(map(len, record.bodies))
    try:
        envelopes = [parse_envelope(body, bare=True) for body in record.bodies]
    except APIException as error:
        return Entry(record.line, record.end, size, problem=" ".join(_reasons(error.detail)))
    wanted = tuple(one for one in envelopes if before is None or one.event_at is None or one.event_at < before)
    left_out = len(envelopes) - len(wanted) or int(not envelopes and not record.problem)
    return Entry(record.line, record.end, size, wanted, left_out, record.problem)


def _reasons(detail: Any, name: str = "") -> Iterator[str]:
    """DRF's details as sentences, each after the name of the field that it is about."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            yield from _reasons(value, f"{name}.{key}" if name else str(key))
    elif isinstance(detail, list):
        for value in detail:
            yield from _reasons(value, name)
    else:
        yield f"{name}: {detail}" if name else str(detail)


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries in order, as many at a time as one transaction should take."""
    batch: list[Entry] = []
    events = size = 0
    for entry in entries:
        batch.append(entry)
        events, size = events + len(entry.envelopes), size + entry.size
        if events >= BATCH_EVENTS or size >= BATCH_BYTES or len(batch) >= BATCH_LINES:
            yield batch
            batch, events, size = [], 0, 0
    if batch:
        yield batch


class HistoryImporter:
    """One import. `row` says how far it has come; `refuse` is told of each line that cannot be used, and why.

    `per_minute` is how many deliveries come due in a minute, 0 for all at once.
    """

    def __init__(
        self, row: HistoryImport, *, before: datetime | None, per_minute: int, refuse: Callable[[int, str], None]
    ) -> None:
        self.row = row
        self._before = before
        self._step = timedelta(minutes=1) / per_minute if per_minute else timedelta(0)
        self._refuse = refuse

    def bring_in(self, records: Iterable[Record]) -> Iterator[HistoryImport]:
        """Store what is new, and say after each batch how far it is. Raises CommandError where somebody else does."""
        for batch in batches(entry_of(record, self._before) for record in records):
            try:
                with transaction.atomic():
                    self.row.take()
                    self._tally(batch, self._accept)
                    self.row.save()
            except ImportTakenOverError as error:
                raise CommandError(TAKEN_OVER) from error
            yield self.row
        self.row.delete()

    def rehearse(self, records: Iterable[Record]) -> Iterator[HistoryImport]:
        """Count what `bring_in` would do; nothing is written."""
        for batch in batches(entry_of(record, self._before) for record in records):
            ids = [envelope.event_id for entry in batch for envelope in entry.envelopes]
            stored = WebhookEvent.objects.filter(project=self.row.project, event_id__in=ids)
            known = set(stored.values_list("event_id", flat=True))
            # One that comes twice in the file is new once. Ids of batches before are not kept: memory stays flat.
            self._tally(batch, lambda envelope, known=known: _is_first(envelope, known))  # type: ignore[misc]
            yield self.row

    def _tally(self, batch: Sequence[Entry], is_new: Callable[[Envelope], bool]) -> None:
        row = self.row
        for entry in batch:
            row.left_out += entry.left_out
            if entry.problem:
                row.unusable += 1
                self._refuse(entry.line, entry.problem)
            new = sum(is_new(envelope) for envelope in entry.envelopes)
            row.new += new
            row.repeated += len(entry.envelopes) - new
        row.offset, row.line = batch[-1].end.offset, batch[-1].end.line

    def _accept(self, envelope: Envelope) -> bool:
        """Store an event as the door does; whether it is new."""
        now = timezone.now()
        # Evenly, from now on: what comes in by webhook is due at once, and so never waits behind all of the history.
        due = now if self.row.due_until is None else max(now, self.row.due_until + self._step)
        accepted = Delivery.objects.accept(
            self.row.project_id, envelope, now, due=due, contact_only=self.row.contact_only
        )
        if accepted is None:
            raise CommandError(TAKEN_OVER)
        if accepted.is_new:
            self.row.due_until = due
        return accepted.is_new


def _is_first(envelope: Envelope, known: set[str]) -> bool:
    is_first = envelope.event_id not in known
    known.add(envelope.event_id)
    return is_first
