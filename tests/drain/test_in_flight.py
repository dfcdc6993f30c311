"""
What may happen while a call is on its way: redelivery, edited settings, deleted rows, a stop, the end of a slice.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from integration.drain.claim import claim
from integration.models import Customer, Delivery, DeliveryAttempt, Project
from tests.drain.conftest import Meanwhile
from tests.factories import NEW_YEAR_MS, Clock, make_project, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults


def test_a_redelivery_while_the_call_is_in_flight_sends_once_more_and_settles_once(
    project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project)
    gate = threading.Event()
    intercom.inject(faults.hold(gate), path="/events")

    def redeliver() -> None:
        Delivery.objects.filter(pk=delivery.pk).requeue(timezone.now())
        gate.set()

    run_drain(project, Meanwhile(intercom, redeliver, calls=len(COLD_CALLS)))
    row = refreshed(delivery)
    assert (row.status, row.tries) == ("delivered", 1)
    outcomes = DeliveryAttempt.objects.filter(delivery=delivery).values_list("outcome", flat=True)
    assert list(outcomes) == ["delivered", "delivered"]
    assert len(intercom.calls("POST", "/events")) == 2
    assert len(intercom.events) == 1


# What the first event of a new customer costs in a workspace without our attributes, up to and with the event.
COLD_CALLS = ("find", "create", "list", "make", "make", "make", "make", "create", "event")


def test_a_redelivery_while_in_flight_still_writes_the_attributes_again(
    project: Project, prepared: FakeIntercom
) -> None:
    receive(project)
    run_drain(project)
    before = len(prepared.ledger)
    delivery = receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000)
    gate = threading.Event()
    prepared.inject(faults.hold(gate), path="/events")

    def redeliver() -> None:
        prepared.contact("user-1").custom_attributes.clear()
        Delivery.objects.filter(pk=delivery.pk).requeue(timezone.now())
        gate.set()

    run_drain(project, Meanwhile(prepared, redeliver, calls=before + 1))
    assert prepared.contact("user-1").custom_attributes["subscription_status"] == "active"
    assert refreshed(delivery).status == "delivered"


def test_a_stop_ends_what_is_in_flight_and_claims_nothing_more(project: Project, intercom: FakeIntercom) -> None:
    deliveries = [receive(project, app_user_id=f"user-{number}") for number in range(5)]
    gate, stop = threading.Event(), threading.Event()
    intercom.inject(faults.hold(gate), times=2)

    def end() -> None:
        stop.set()
        gate.set()

    more = run_drain(project, Meanwhile(intercom, end, calls=2), threads=2, stop=stop)
    assert more is False
    statuses = [refreshed(row).status for row in deliveries]
    assert statuses == ["delivered"] * 2 + ["pending"] * 3
    assert not DeliveryAttempt.objects.filter(finished_at=None).exists()
    assert Delivery.objects.filter(status="pending", tries=0).count() == 3


def test_a_slice_that_ends_finishes_what_is_in_flight_and_asks_for_another(
    project: Project, intercom: FakeIntercom
) -> None:
    for number in range(5):
        receive(project, app_user_id=f"user-{number}")
    assert run_drain(project, slice_seconds=0) is True
    assert not intercom.ledger
    intercom.latency = 0.05
    assert run_drain(project, threads=1, slice_seconds=0.01) is True
    assert len(intercom.events) == 1
    assert run_drain(project) is False
    assert len(intercom.events) == 5


def test_what_comes_due_during_a_slow_call_is_sent_beside_it(project: Project, intercom: FakeIntercom) -> None:
    slow = receive(project)
    gate = threading.Event()
    late: list[Delivery] = []
    intercom.inject(faults.hold(gate))

    def another() -> None:
        late.append(receive(project, app_user_id="user-2"))

    def look() -> datetime:
        if late and not gate.is_set() and refreshed(late[0]).status == "delivered":
            assert refreshed(slow).status == "pending"
            gate.set()
        return timezone.now()

    run_drain(project, Meanwhile(intercom, another, time=look_in_main_thread(look)))
    assert gate.is_set()
    assert refreshed(late[0]).status == refreshed(slow).status == "delivered"


def look_in_main_thread(look: Any) -> Any:
    """Only the test's own thread sees the test's transaction."""
    own = threading.current_thread()
    return lambda: look() if threading.current_thread() is own else timezone.now()


def test_switching_the_project_off_ends_the_drain_after_what_is_in_flight(
    project: Project, intercom: FakeIntercom
) -> None:
    for number in range(4):
        receive(project, app_user_id=f"user-{number}")
    gate = threading.Event()
    intercom.inject(faults.hold(gate))

    def switch_off() -> None:
        Project.objects.filter(pk=project.pk).update(active=False)
        gate.set()

    assert run_drain(project, Meanwhile(intercom, switch_off), threads=1) is False
    assert len(intercom.events) == 1


def test_a_project_deleted_while_in_flight_ends_the_drain_without_an_error(
    project: Project, intercom: FakeIntercom
) -> None:
    receive(project)
    receive(project, app_user_id="user-2")
    gate = threading.Event()
    intercom.inject(faults.hold(gate))

    def delete() -> None:
        Project.objects.get(pk=project.pk).delete()
        gate.set()

    assert run_drain(project, Meanwhile(intercom, delete), threads=1) is False
    assert not Delivery.objects.exists()


def test_a_project_that_does_not_exist_has_nothing_to_drain(db: None) -> None:
    project = make_project()
    key = project.pk
    Project.objects.all().delete()
    project.pk = key
    assert run_drain(project) is False


def test_a_killed_drain_leaves_a_lease_that_runs_out_and_an_attempt_that_says_so(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    kill_a_drain(project, clock)
    row = refreshed(delivery)
    assert (row.status, row.tries) == ("pending", 1)
    run_drain(project, clock)
    assert not intercom.ledger, "the lease still holds"
    clock.advance(seconds=60)
    run_drain(project, clock)
    row = refreshed(delivery)
    assert (row.status, row.tries) == ("delivered", 2)
    attempts = DeliveryAttempt.objects.filter(delivery=delivery).order_by("id")
    assert [attempt.outcome for attempt in attempts] == ["interrupted", "delivered"]
    assert "worker stopped" in attempts[0].error
    assert Customer.objects.get().busy_until is None


def test_a_delivery_that_kills_every_worker_fails_in_the_end(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    for tries in range(1, 12):
        kill_a_drain(project, clock)
        assert refreshed(delivery).tries == tries
        clock.advance(minutes=1)
    run_drain(project, clock)
    row = refreshed(delivery)
    assert row.status == "failed" and "Gave up after 11 tries" in row.explanation
    assert not intercom.ledger
    assert {attempt.outcome for attempt in DeliveryAttempt.objects.all()} == {"interrupted"}


def test_an_attempt_of_a_killed_drain_is_closed_also_when_it_was_redelivered_since(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    kill_a_drain(project, clock)
    clock.advance(minutes=1)
    Delivery.objects.filter(pk=delivery.pk).requeue(clock.time)
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"
    assert not DeliveryAttempt.objects.filter(finished_at=None).exists()


def test_customers_that_a_killed_drain_was_busy_with_do_not_hold_up_the_others(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    for number in range(4):
        receive(project, app_user_id=f"busy-{number}")
    kill_a_drain(project, clock, threads=4)
    for number in range(4):
        receive(project, app_user_id=f"busy-{number}", event_timestamp_ms=NEW_YEAR_MS + 1000)
    free = receive(project, app_user_id="free")
    clock.advance(seconds=1)
    run_drain(project, clock, threads=4)
    assert refreshed(free).status == "delivered"
    assert len(intercom.events) == 1
    clock.advance(minutes=1)
    run_drain(project, clock, threads=4)
    assert not Delivery.objects.exclude(status="delivered").exists()


def kill_a_drain(project: Project, clock: Clock, threads: int = 16) -> None:
    """Claim what is due as a drain does, and die before anything of it is settled."""
    with transaction.atomic():
        claim(
            Project.objects.get(pk=project.pk),
            limit=threads,
            busy=[],
            now=clock.time,
            lease=clock.time + timedelta(seconds=45),
            chance=lambda: 0.0,
        )
