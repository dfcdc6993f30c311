"""
The promises of the design, one test each and named by its sentence; the corners of each are tested elsewhere.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from integration.drain.loop import LEASE_MARGIN_SECONDS
from integration.intercom.client import ATTEMPT_SECONDS
from integration.models import Customer, Delivery, DeliveryAttempt, EventSetting, Project, WebhookEvent
from integration.models.secrets import Secret
from integration.retry import MOST_TRIES
from integration.tasks import HEARTBEAT_SECONDS, STALLED_SECONDS
from tests.drain.conftest import Meanwhile
from tests.factories import (
    AUTHORIZATION,
    NEW_YEAR_MS,
    SIGNING_SECRET,
    TOKEN,
    Clock,
    make_project,
    raw,
    receive,
    refreshed,
    run_drain,
    webhook,
)
from tests.fake_intercom import FakeIntercom, faults
from tests.processes import outside_params


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project()


@pytest.fixture
def clock() -> Clock:
    """A clock that only the test moves."""
    return Clock()


def post(project: Project, body: bytes, **headers: str) -> Any:
    """Post to the door."""
    headers = {"Authorization": AUTHORIZATION} | headers
    return Client().generic("POST", f"/webhooks/revenuecat/{project.pk}/", body, "application/json", headers=headers)


@pytest.mark.django_db(transaction=True)
def test_01_200_is_answered_only_after_commit_and_the_door_never_maps(intercom: FakeIntercom) -> None:
    project = make_project()
    assert post(project, raw(webhook("A_TYPE_THAT_NOBODY_MAPS"))).status_code == 200
    with psycopg.connect(**outside_params()) as outside:
        rows = outside.execute("SELECT status, event_type, event_name, tries FROM integration_delivery").fetchall()
    assert rows == [("pending", "", "", 0)]
    assert not intercom.ledger


def test_02_a_repeated_id_makes_no_second_delivery_is_counted_and_answered_200(project: Project) -> None:
    body = raw(webhook())
    answers = [post(project, body) for _ in range(3)]
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [
        (200, "accepted"),
        (200, "duplicate"),
        (200, "duplicate"),
    ]
    assert WebhookEvent.objects.get().repeats == 2
    assert Delivery.objects.count() == 1


def test_03_a_killed_worker_loses_nothing_and_its_project_is_drained_within_a_minute(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    """What it takes in processes is in test_worker.py; here, that the times add up and the rows come back."""
    tend = 5
    assert HEARTBEAT_SECONDS < STALLED_SECONDS
    assert STALLED_SECONDS + tend < 60
    assert ATTEMPT_SECONDS + LEASE_MARGIN_SECONDS + tend < 60
    delivery = receive(project)
    with pytest.raises(KeyboardInterrupt):
        run_drain(project, Killing(intercom, clock))
    assert refreshed(delivery).status == "pending"
    clock.advance(minutes=1)
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"
    outcomes = DeliveryAttempt.objects.order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["interrupted", "delivered"]


class Killing(Meanwhile):
    """A clock that ends the drain from within, as soon as a call has gone out and before anything is settled."""

    def __init__(self, intercom: FakeIntercom, clock: Clock) -> None:
        super().__init__(intercom, self._die, time=clock)
        self._gate = threading.Event()
        intercom.inject(faults.hold(self._gate))

    def _die(self) -> None:
        self._gate.set()
        raise KeyboardInterrupt


@pytest.mark.django_db(transaction=True)
def test_04_no_transaction_is_open_during_http_and_the_attempt_exists_before_the_first_byte(
    intercom: FakeIntercom, settings: Any
) -> None:
    settings.INTERCOM_API_URL = intercom.url
    project = make_project()
    receive(project)
    seen: list[int] = []
    with psycopg.connect(**outside_params(), autocommit=True) as outside:

        def look(_: object) -> None:
            row = outside.execute(
                "SELECT count(*) FROM integration_deliveryattempt WHERE finished_at IS NULL"
            ).fetchone()
            seen.append(row[0] if row else 0)

        def transactions() -> None:
            # The drain's own thread is the only one with a connection: while it asks for the time, between its
            # looks, it is in no transaction, and the calls are in flight.
            assert not connection.in_atomic_block
            row = outside.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            ).fetchone()
            assert row == (0,)
            gate.set()

        gate = threading.Event()
        intercom.inject(faults.with_hook(faults.hold(gate), look))
        intercom.inject(faults.watch(look), times=None)
        meanwhile = Meanwhile(intercom, transactions)
        run_drain(project, meanwhile)
    assert meanwhile.done
    assert set(seen) == {1} and len(seen) == len(intercom.ledger)
    assert not intercom.violations


def test_05_a_try_is_counted_before_it_is_made_so_that_a_deadly_delivery_cannot_loop(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    for tries in range(1, MOST_TRIES + 1):
        with pytest.raises(KeyboardInterrupt):
            run_drain(project, Killing(intercom, clock))
        intercom.reset()
        assert refreshed(delivery).tries == tries
        clock.advance(minutes=1)
    run_drain(project, clock)
    assert refreshed(delivery).status == "failed"
    assert not intercom.ledger


def test_06_the_same_event_always_gives_the_same_bytes_and_never_says_now(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    intercom.inject(faults.lose_answer(), times=2, path="/events")
    for _ in range(3):
        run_drain(project, clock)
        clock.advance(hours=1)
    Delivery.objects.filter(pk=delivery.pk).requeue(clock.time)
    run_drain(project, clock)
    calls = intercom.calls("POST", "/events")
    assert len(calls) == 4 and len({call.body for call in calls}) == 1
    assert calls[0].data["created_at"] == NEW_YEAR_MS // 1000
    assert len(intercom.events) == 1


def test_07_an_older_event_never_overwrites_newer_attributes_but_sends_its_data_event(
    project: Project, intercom: FakeIntercom
) -> None:
    receive(project, event_type="EXPIRATION", event_timestamp_ms=NEW_YEAR_MS + 1)
    run_drain(project)
    known = dict(intercom.contact("user-1").custom_attributes)
    late = receive(project)
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes == known
    assert refreshed(late).status == "delivered"
    assert len(intercom.events) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_08_a_refused_token_holds_the_project_burns_no_tries_and_resumes_in_order(
    project: Project, intercom: FakeIntercom, clock: Clock, status: int
) -> None:
    seconds = [NEW_YEAR_MS // 1000 + number for number in range(4)]
    for second in seconds:
        receive(project, event_timestamp_ms=second * 1000)
    with intercom.inject(faults.error(status), times=None):
        run_drain(project, clock)
        run_drain(project, clock)
    assert set(Delivery.objects.values_list("status", "tries")) == {("pending", 0)}
    project.refresh_from_db()
    assert project.is_held(clock.time)
    project.resume()
    run_drain(project, clock)
    assert [call.data["created_at"] for call in intercom.calls("POST", "/events")] == seconds


def test_09_429_stops_the_drain_until_the_reset_not_longer_and_burns_no_tries(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    receive(project)
    reset = int(clock.time.timestamp()) + 30
    intercom.inject(faults.error(429, headers={"X-RateLimit-Reset": str(reset)}))
    run_drain(project, clock)
    project.refresh_from_db()
    assert project.held_until is not None and project.held_until.timestamp() == reset
    assert Delivery.objects.get().tries == 0
    assert len(intercom.ledger) == 1
    clock.time = project.held_until
    run_drain(project, clock)
    assert Delivery.objects.get().status == "delivered"


def test_10_changed_settings_apply_to_pending_and_redelivered_and_an_attempt_keeps_what_was_sent(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivered = receive(project)
    run_drain(project, clock)
    pending = receive(project, app_user_id="user-2")
    EventSetting.objects.create(project=project, event_type="renewal", custom_name="ours")
    Delivery.objects.filter(pk=delivered.pk).requeue(clock.time)
    clock.advance(seconds=5)
    run_drain(project, clock)
    assert refreshed(delivered).event_name == refreshed(pending).event_name == "ours"
    first = DeliveryAttempt.objects.filter(delivery=delivered).order_by("id")[0]
    assert first.exchanges[-1]["request"]["event_name"] == "rc_renewal_event"


def test_11_a_skipped_or_failed_delivery_says_why(project: Project, intercom: FakeIntercom) -> None:
    skipped = receive(project, environment="SANDBOX")
    failed = receive(project, app_user_id="user-2")
    intercom.inject(faults.error(422, "422", "Cannot have more than 120 active event names"), path="/events")
    run_drain(project)
    assert "“Sandbox events” are skipped in this project's settings" in refreshed(skipped).explanation
    assert "Archive event names in Intercom" in refreshed(failed).explanation
    assert DeliveryAttempt.objects.get(delivery=failed).error == refreshed(failed).explanation


def test_12_secrets_never_enter_a_row_a_log_line_or_an_answer(
    project: Project, intercom: FakeIntercom, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    project.signing_secret = Secret.of(SIGNING_SECRET)
    project.save()
    answers = [post(project, raw(webhook())), post(project, b"{", Authorization=AUTHORIZATION + "x")]
    for number, fault in enumerate(
        (
            faults.error(400, message=f"What is {TOKEN}?"),
            faults.error(500, message=f"Bearer {TOKEN}"),
            faults.error(401, message=f"Access Token {TOKEN} Invalid"),
            faults.hang(1),
            faults.close_unanswered(),
        )
    ):
        receive(project, app_user_id=f"user-{number}")
        intercom.inject(fault, path=f"/contacts/find_by_external_id/user-{number}")
    broken = WebhookEvent.objects.create(
        project=project, event_id="broken", type="X", payload={}, received_at=timezone.now()
    )
    Delivery.objects.create(project=project, webhook_event=broken, due_at=clock.time, created_at=clock.time)
    run_drain(project, clock, attempt_seconds=0.3)
    with intercom.refusing_connections():
        project.refresh_from_db()
        project.resume()
        clock.advance(minutes=1)
        run_drain(project, clock, attempt_seconds=0.3)
    kept = [answer.content.decode() + str(answer.headers) for answer in answers] + [caplog.text]
    models = (Project, Delivery, DeliveryAttempt, Customer, WebhookEvent)
    kept.extend(json.dumps(list(model.objects.values()), default=str) for model in models)
    assert DeliveryAttempt.objects.count() >= 7
    for text in kept:
        for secret in (TOKEN, AUTHORIZATION, SIGNING_SECRET):
            assert secret not in text


def test_13_an_unknown_type_or_field_is_stored_shown_and_can_be_delivered_after_an_upgrade(
    project: Project, intercom: FakeIntercom
) -> None:
    body = webhook("FROM_THE_FUTURE", hitherto="unknown")
    assert post(project, raw(body)).status_code == 200
    run_drain(project)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == ("skipped", "not_an_event_type")
    event = WebhookEvent.objects.get()
    assert event.payload == body
    # The upgrade: the type has a meaning now. The row is as it was, and asked for again.
    event.payload["event"]["type"] = "RENEWAL"
    event.save()
    Delivery.objects.filter(pk=delivery.pk).requeue(timezone.now() - timedelta(seconds=1))
    run_drain(project)
    assert refreshed(delivery).status == "delivered"
    assert len(intercom.events) == 1
