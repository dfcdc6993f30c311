"""
`manage.py import_events`: what is said of lines that cannot be used, dry runs, batches, and how far it is.
"""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management.base import CommandError, OutputWrapper
from django.utils import timezone

from integration.management.history_import import HistoryImporter
from integration.management.progress import CLEAR, Progress
from integration.models import Delivery, HistoryImport, Project, WebhookEvent
from integration.revenuecat.history import Place, Record
from tests.factories import make_project, raw, receive, webhook
from tests.management.importing import bring_in


@pytest.fixture
def project(db: None) -> Project:
    """A project to import into."""
    return make_project("Larkfield")


# --- The dry run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["transactions.csv", "webhooks.jsonl", "webhooks_bad_lines.jsonl"])
def test_a_dry_run_foresees_the_counts_and_writes_nothing(project: Project, name: str) -> None:
    code, out, err = bring_in(name, "--dry-run")
    assert not WebhookEvent.objects.exists() and not Delivery.objects.exists() and not HistoryImport.objects.exists()
    assert "Nothing was written." in out
    really = bring_in(name)
    assert (really[0], really[2]) == (code, err)
    assert really[1].partition("”: ")[2].partition(". ")[0] == out.partition("”: ")[2].partition(".\n")[0]
    assert "0 new" in bring_in(name, "--dry-run")[1], "now all of it is there"


# --- What cannot be used --------------------------------------------------------------------------------------


def test_bad_lines_are_named_and_the_rest_comes_in(project: Project) -> None:
    code, out, err = bring_in("webhooks_bad_lines.jsonl")
    assert code == 2 and "2 new, 0 already there, 0 left out, 5 lines not usable" in out
    assert [line.partition(": ")[0] for line in err.splitlines()] == [f"line {number}" for number in (2, 3, 4, 5, 7)]
    assert "line 2: event.id: This field is required." in err
    assert "line 3: The body is not valid JSON" in err
    assert "line 5: event.type: This field may not be blank." in err


def test_bad_rows_are_named_and_the_rest_comes_in(project: Project) -> None:
    code, out, err = bring_in("transactions_bad_rows.csv")
    assert code == 2 and "2 new, 0 already there, 0 left out, 4 lines not usable" in out
    assert "line 4: start_time is not a time.\n" in err


def test_a_file_that_breaks_off_brings_in_what_it_holds(project: Project, tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(raw(webhook(app_user_id=f"user-{n}")) + b"\n" for n in range(3000)))
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(whole[: len(whole) // 2])
    code, _, err = bring_in(broken)
    assert code == 2 and "The file breaks off here, or is damaged." in err
    assert 0 < WebhookEvent.objects.count() < 3000


def test_an_empty_file_is_no_error(project: Project, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert bring_in(empty) == (0, bring_in(empty)[1], "")
    assert "0 new" in bring_in(empty)[1]


def test_what_is_no_file_of_history_is_refused_with_what_to_do(project: Project, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"events\.parquet ends otherwise"):
        bring_in(tmp_path / "events.parquet")
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        bring_in(tmp_path / "nothing.csv")
    other = tmp_path / "customers.csv"
    other.write_text("App User ID,Total Spent\nada,1\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"no transaction export that can be used\. It lacks:"):
        bring_in(other)
    with pytest.raises(CommandError, match="a number from 0 on"):
        bring_in("webhooks.jsonl", "--per-minute", "-1")
    with pytest.raises(CommandError, match="invalid moment value"):
        bring_in("webhooks.jsonl", "--before", "lately")


def test_an_export_is_refused_where_it_would_count_twice_what_came_by_webhook(project: Project) -> None:
    receive(project)
    assert bring_in("transactions.csv", "--dry-run")[0] == 0, "attributes can be told twice"
    with pytest.raises(CommandError, match="Say with --before since when webhooks come in"):
        bring_in("transactions.csv", "--with-events")
    project.lifetime_totals = True
    project.save()
    with pytest.raises(CommandError, match="told and counted twice"):
        bring_in("transactions.csv", "--dry-run")
    assert bring_in("transactions.csv", "--with-events", "--before", "2026-01-02")[0] == 0


def test_exports_one_after_the_other_are_not_refused(project: Project) -> None:
    bring_in("transactions_version_3.csv", "--with-events")
    assert "6 already there" in bring_in("transactions.csv", "--with-events")[1]


# --- Going on, and keeping small ------------------------------------------------------------------------------


def importer(row: HistoryImport) -> HistoryImporter:
    """One that makes no fuss."""
    return HistoryImporter(row, before=None, per_minute=0, refuse=lambda _line, _why: None)


def many(count: int, *, start: int = 0) -> Iterator[Record]:
    """Records of so many webhooks."""
    for number in range(start, count):
        body = json.dumps(webhook(id=f"id-{number}", app_user_id=f"user-{number}")).encode()
        yield Record(number + 1, Place(number + 1, number + 1), bodies=(body,))


def test_each_batch_is_counted_where_it_is_stored(project: Project) -> None:
    row = HistoryImport.begun(project, "abc", timezone.now(), contact_only=True)
    steps = importer(row).bring_in(many(1200))
    next(steps)
    stored = HistoryImport.objects.get()
    assert (stored.line, stored.new) == (500, 500) == (500, WebhookEvent.objects.count())
    again = HistoryImport.begun(project, "abc", timezone.now(), contact_only=True)
    assert (again.pk, again.line) == (row.pk, 500)
    assert HistoryImport.begun(project, "abc", timezone.now(), contact_only=False).line == 0


def test_two_imports_of_one_file_do_not_run_beside_each_other(project: Project) -> None:
    first = HistoryImport.begun(project, "abc", timezone.now(), contact_only=True)
    second = HistoryImport.begun(project, "abc", timezone.now(), contact_only=True)
    ahead, behind = importer(first).bring_in(many(1200)), importer(second).bring_in(many(1200))
    next(ahead)
    with pytest.raises(CommandError, match="Another process is importing this file"):
        next(behind)
    assert len(list(ahead)) == 2
    assert WebhookEvent.objects.filter(repeats=0).count() == 1200


def test_a_project_that_goes_away_ends_the_import(project: Project) -> None:
    row = HistoryImport.begun(project, "abc", timezone.now(), contact_only=True)
    steps = importer(row).bring_in(many(1200))
    next(steps)
    Project.objects.all().delete()
    with pytest.raises(CommandError):
        next(steps)


def test_memory_does_not_grow_with_the_file(project: Project) -> None:
    peaks = []
    for count in (1500, 15000):
        row = HistoryImport(project=project, contact_only=True, started_at=timezone.now())
        tracemalloc.start()
        for _ in importer(row).rehearse(many(count)):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert row.new == count
    assert peaks[1] < 1.5 * peaks[0]


# --- How far it is --------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_terminal_has_a_bar_and_other_lines_do_not_cut_it_in_two() -> None:
    out, seconds = Terminal(), iter([0.0, 1.0, 1.0, 1.01, 2.0, 2.0])
    progress = Progress(OutputWrapper(out), clock=lambda: next(seconds))
    progress.show(0.5, "line 5")
    progress.show(0.6, "line 6")
    progress.say("line 6: bad")
    progress.show(1.0, "line 10")
    bar = f"{CLEAR}[{'#' * 15}{'.' * 15}]  50%  line 5"
    assert out.getvalue() == f"{bar}{CLEAR}line 6: bad\n{CLEAR}[{'#' * 30}] 100%  line 10"


def test_anywhere_else_there_is_a_plain_line_now_and_then() -> None:
    out, seconds = io.StringIO(), iter([0.0, 1.0, 11.0, 11.0, 12.0])
    progress = Progress(OutputWrapper(out), clock=lambda: next(seconds))
    for fraction in (0.1, 0.5, 0.6):
        progress.show(fraction, f"{fraction}")
    progress.say("done")
    assert out.getvalue() == "50%  0.5\ndone\n"
