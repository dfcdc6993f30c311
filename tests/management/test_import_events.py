"""
`manage.py import_events`: what comes in, when it is due, and what is told of it.
"""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from integration.models import Customer, Delivery, DeliveryAttempt, HistoryImport, Project, WebhookEvent
from tests.factories import NEW_YEAR_MS, make_project, raw, receive, refreshed, run_drain, webhook
from tests.fake_intercom import FakeIntercom
from tests.management.importing import HISTORY, bring_in

# What the worker would find due by then.
ALL_AT_ONCE = ("--per-minute", "0")


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project("Larkfield")


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
