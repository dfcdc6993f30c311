"""
`manage.py import_events`: what comes in, what is told of it, and what is said of the lines that cannot be used.
"""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError, OutputWrapper
from django.db.models import Sum
from django.utils import timezone

from integration.management.history_import import HistoryImporter
from integration.management.progress import CLEAR, Progress
from integration.models import Customer, Delivery, DeliveryAttempt, HistoryImport, Project, WebhookEvent
from integration.revenuecat.history import Place, Record
from tests.factories import NEW_YEAR_MS, make_project, raw, receive, refreshed, run_drain, webhook
from tests.fake_intercom import FakeIntercom

HISTORY = Path(__file__).parents[1] / "fixtures" / "history"
# What the worker would find due by then.
ALL_AT_ONCE = ("--per-minute", "0")


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project("Larkfield")


def bring_in(file: str | Path, *arguments: str) -> tuple[int, str, str]:
    """Import a file of the fixtures, or another one: exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_events", str(HISTORY / file), *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def written(tmp_path: Path, *bodies: Any, name: str = "webhooks.jsonl") -> Path:
    """A file of JSON lines."""
    path = tmp_path / name
    path.write_bytes(b"\n".join(raw(body) for body in bodies) + b"\n")
    return path


# --- What comes in --------------------------------------------------------------------------------------------


def test_webhooks_come_in_whole_or_as_events_and_a_known_id_is_a_repeat(project: Project) -> None:
    code, out, err = bring_in("webhooks.jsonl")
    assert (code, err) == (0, "")
    assert "Imported into “Larkfield”: 4 new, 1 already there, 0 left out, 0 lines not usable." in out
    assert WebhookEvent.objects.count() == Delivery.objects.count() == 4
    renewal = WebhookEvent.objects.get(type="RENEWAL")
    assert (renewal.repeats, renewal.app_user_id) == (1, "user_10482")
    assert set(renewal.payload) == {"event"}, "its line was the event alone"
    assert not HistoryImport.objects.exists(), "what is finished leaves no row"


def test_an_export_comes_in_and_the_contacts_follow_its_stories(project: Project, intercom: FakeIntercom) -> None:
    code, out, _ = bring_in("transactions.csv", *ALL_AT_ONCE)
    assert code == 0 and "16 new, 0 already there, 1 left out, 0 lines not usable" in out
    run_until_done(project)
    statuses = {
        name: intercom.contact(name).custom_attributes.get("subscription_status")
        for name in ("user_10482", "user_12671", "user_10977", "user_12390")
    }
    assert statuses == {
        "user_10482": "expired",
        "user_12671": "expired",
        "user_10977": "expired",
        "user_12390": "expired_promotional",
    }
    assert Delivery.objects.get(app_user_id="tester").reason == "sandbox"
    assert not intercom.events


def run_until_done(project: Project) -> None:
    """Drain all that is due; of each customer one delivery is sent at a time."""
    while Delivery.objects.filter(project=project, status="pending", due_at__lte=timezone.now()).exists():
        run_drain(project)


def test_the_contacts_attributes_follow_and_no_data_event_is_sent(project: Project, intercom: FakeIntercom) -> None:
    code, out, _ = bring_in("webhooks.jsonl", *ALL_AT_ONCE)
    assert code == 0 and "no data events are sent" in out
    run_until_done(project)
    assert not intercom.calls("POST", "/events")
    assert intercom.contact("user_10482").custom_attributes["subscription_status"] == "active"
    for delivery in Delivery.objects.all():
        assert delivery.status == "delivered"
        assert "No data event: this one was imported" in delivery.explanation
        assert (delivery.event_name, delivery.event_second) == ("", None)
    assert DeliveryAttempt.objects.count() == 4


def test_data_events_are_sent_with_their_original_times_where_they_are_wanted(
    project: Project, intercom: FakeIntercom
) -> None:
    code, out, _ = bring_in("transactions.csv", "--with-events", *ALL_AT_ONCE)
    assert code == 0 and "Data events are sent too." in out
    run_until_done(project)
    contact = intercom.contact("user_10482").id
    told = {(event.event_name, event.created_at) for event in intercom.events if event.contact_id == contact}
    assert told == {
        ("rc_trial_started_event", 1767256026),
        ("rc_trial_converted_event", 1767860826),
        ("rc_renewal_event", 1770539226),
        ("rc_cancellation_event", 1771597030),
        ("rc_expiration_event", 1772958426),
    }


def test_importing_again_adds_nothing(project: Project, intercom: FakeIntercom) -> None:
    for name, count in (("transactions.csv", 16), ("webhooks.jsonl", 4)):
        bring_in(name, *ALL_AT_ONCE)
        run_until_done(project)
        before = (WebhookEvent.objects.count(), Delivery.objects.count(), len(intercom.ledger))
        code, out, _ = bring_in(name, *ALL_AT_ONCE)
        assert code == 0 and f"0 new, {count + (name == 'webhooks.jsonl')} already there" in out
        run_until_done(project)
        assert (WebhookEvent.objects.count(), Delivery.objects.count(), len(intercom.ledger)) == before
    assert WebhookEvent.objects.aggregate(repeats=Sum("repeats"))["repeats"] == 16 + 1 + 5


def test_an_event_that_came_by_webhook_is_a_repeat_and_keeps_its_data_event(
    project: Project, intercom: FakeIntercom, tmp_path: Path
) -> None:
    body = webhook()
    delivery = receive(project, body)
    code, out, _ = bring_in(written(tmp_path, body))
    assert code == 0 and "0 new, 1 already there" in out
    run_drain(project)
    assert refreshed(delivery).status == "delivered" and len(intercom.events) == 1


def test_history_overwrites_no_newer_attribute(project: Project, intercom: FakeIntercom, tmp_path: Path) -> None:
    receive(project, event_type="EXPIRATION", event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    bring_in(written(tmp_path, webhook()), *ALL_AT_ONCE)
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "expired"


def test_running_totals_count_what_is_imported_once(project: Project, tmp_path: Path, intercom: FakeIntercom) -> None:
    project.money, project.lifetime_totals = "gross", True
    project.save()
    file = written(tmp_path, webhook(), webhook(event_timestamp_ms=NEW_YEAR_MS + 1000))
    for _ in range(2):
        bring_in(file, *ALL_AT_ONCE)
        run_until_done(project)
    customer = Customer.objects.get()
    assert (customer.purchases, float(customer.revenue_usd)) == (2, 11.98)
    assert intercom.contact("user-1").custom_attributes["rc_purchases"] == 2


def test_what_happened_later_than_is_wanted_is_left_out(project: Project) -> None:
    code, out, _ = bring_in("transactions.csv", "--before", "2026-02-01")
    assert code == 0 and "3 new, 0 already there, 14 left out" in out
    assert not WebhookEvent.objects.filter(event_at__gte=datetime.fromisoformat("2026-02-01T00:00Z")).exists()


@pytest.mark.parametrize("name", ["transactions.csv", "webhooks.jsonl"])
def test_a_compressed_file_is_the_same(project: Project, tmp_path: Path, name: str) -> None:
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress((HISTORY / name).read_bytes()))
    _, plain, _ = bring_in(name, "--dry-run")
    assert bring_in(packed, "--dry-run")[1] == plain
    assert bring_in(packed)[0] == 0 and WebhookEvent.objects.exists()


# --- When it is due -------------------------------------------------------------------------------------------


def test_history_comes_due_evenly_so_that_webhooks_do_not_wait_behind_it(
    project: Project, intercom: FakeIntercom, tmp_path: Path
) -> None:
    history = [webhook(app_user_id=f"old-{number}") for number in range(5)]
    _, out, _ = bring_in(written(tmp_path, *history), "--per-minute", "2")
    due = list(Delivery.objects.order_by("id").values_list("due_at", flat=True))
    assert all(due) and [(one - due[0]).total_seconds() for one in due if one and due[0]] == [0, 30, 60, 90, 120]
    assert due[-1] and f"The last is due at {due[-1]:%Y-%m-%d %H:%M} UTC." in out
    receive(project)
    run_drain(project)
    assert [event.contact_id for event in intercom.events] == [intercom.contact("user-1").id]
    assert Delivery.objects.filter(status="pending").count() == 4
    assert max(Delivery.objects.values_list("created_at", flat=True)) <= timezone.now()


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


def test_redelivering_what_was_imported_sends_no_data_event_either(project: Project, intercom: FakeIntercom) -> None:
    bring_in("webhooks.jsonl", *ALL_AT_ONCE)
    run_until_done(project)
    Delivery.objects.all().requeue(timezone.now() - timedelta(seconds=1))
    run_until_done(project)
    assert not intercom.events and set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_what_is_handed_to_another_project_sends_no_data_event_there(
    project: Project, intercom: FakeIntercom, tmp_path: Path
) -> None:
    other = make_project("Sandbox", sandbox="send")
    project.sandbox, project.sandbox_project = "other", other
    project.save()
    file = written(tmp_path, webhook(environment="SANDBOX"))
    bring_in(file, "--project", "Larkfield", *ALL_AT_ONCE)
    run_drain(project)
    run_drain(other)
    delivery = Delivery.objects.get()
    assert (delivery.project, delivery.status) == (other, "delivered") and "imported" in delivery.explanation
    assert intercom.contact("user-1") and not intercom.events
