"""
Where nobody knows whether Intercom took an attribute, it is written again: also when it should be again what it was.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import requests

from integration.models import Delivery, Project
from integration.timed import sending_while
from integration.transport import new_session
from tests.drain.conftest import Meanwhile
from tests.factories import DAY_MS, NEW_YEAR_MS, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults


def status_of(intercom: FakeIntercom) -> object:
    """The subscription status that the contact shows."""
    return intercom.contact("user-1").custom_attributes["subscription_status"]


def cancel_then_renew(project: Project) -> tuple[Delivery, Delivery]:
    """Two more events: the first changes the status of an active customer, the second changes it back."""
    cancelled = receive(project, event_timestamp_ms=NEW_YEAR_MS + DAY_MS, type="CANCELLATION")
    renewed = receive(project, event_timestamp_ms=NEW_YEAR_MS + 2 * DAY_MS)
    return cancelled, renewed


def test_a_status_that_a_killed_worker_had_written_is_put_right_by_the_next_event(
    project: Project, prepared: FakeIntercom, clock: Clock
) -> None:
    receive(project)
    run_drain(project, clock)
    before = len(prepared.ledger)
    cancelled, renewed = cancel_then_renew(project)
    # The renewal comes first when both can be sent again: its turn was before the end of the other one's lease.
    clock.advance(seconds=1)
    gate = threading.Event()
    prepared.inject(faults.hold(gate), path="/events")

    def die() -> None:
        gate.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_drain(project, Meanwhile(prepared, die, calls=before + 2, time=clock))
    assert status_of(prepared) == "cancelled"
    clock.advance(minutes=1)
    run_drain(project, clock)
    assert [refreshed(row).status for row in (cancelled, renewed)] == ["delivered", "delivered"]
    assert status_of(prepared) == "active"


def test_a_status_whose_answer_was_lost_is_put_right_by_the_next_event(
    project: Project, prepared: FakeIntercom, clock: Clock
) -> None:
    receive(project)
    run_drain(project, clock)
    cancelled, renewed = cancel_then_renew(project)
    Delivery.objects.filter(pk=renewed.pk).update(due_at=clock() + timedelta(seconds=2))
    clock.advance(seconds=1)
    prepared.inject(faults.lose_answer(), path="/contacts/*")
    run_drain(project, clock)
    assert status_of(prepared) == "cancelled"
    assert refreshed(cancelled).status == "pending"
    # Now the renewal is due, and the cancellation waits for its second try.
    clock.advance(seconds=2)
    run_drain(project, clock)
    assert refreshed(renewed).status == "delivered"
    assert status_of(prepared) == "active"


def test_a_status_that_intercom_takes_in_late_is_put_right_by_the_retry(
    project: Project, prepared: FakeIntercom, clock: Clock
) -> None:
    receive(project)
    run_drain(project, clock)
    cancelled, renewed = cancel_then_renew(project)
    Delivery.objects.filter(pk=renewed.pk).update(due_at=clock() + timedelta(seconds=2))
    clock.advance(seconds=1)
    gate = threading.Event()
    prepared.inject(faults.hold(gate), path="/contacts/*")
    run_drain(project, clock, attempt_seconds=0.3)
    clock.advance(seconds=2)
    run_drain(project, clock)
    assert refreshed(renewed).status == "delivered"
    assert status_of(prepared) == "active"
    # Only now does Intercom act on the call that was given up.
    gate.set()
    prepared.wait_for(lambda: status_of(prepared) == "cancelled")
    clock.advance(seconds=10)
    run_drain(project, clock)
    assert refreshed(cancelled).status == "delivered"
    assert status_of(prepared) == "active"


def test_a_try_that_begins_when_its_time_is_over_says_nothing(
    project: Project, prepared: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    run_drain(project, clock, attempt_seconds=0.0)
    assert not prepared.ledger
    assert (refreshed(delivery).status, refreshed(delivery).tries) == ("pending", 1)


def test_what_was_prepared_before_a_process_froze_is_not_sent_when_it_wakes_up(prepared: FakeIntercom) -> None:
    with new_session(1) as session, sending_while(lambda: False), pytest.raises(requests.ConnectionError):
        session.post(f"{prepared.url}/events", json={})
    assert not prepared.ledger
