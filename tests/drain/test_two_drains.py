"""
Two drains of one project at the same time, as after a worker that was taken for dead: harmless, on real connections.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from integration.models import Customer, Delivery, DeliveryAttempt, Project
from tests.factories import NEW_YEAR_MS, make_project, receive, refreshed, run_drain
from tests.fake_intercom import Call, FakeIntercom, faults

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(transactional_db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in, in a database that other connections see."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project()


class Beside:
    """Runs work in a thread with a connection of its own; an error in it fails the test at `join`."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - raised again by join
            self._error = error
        finally:
            connection.close()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error


class Crossings:
    """Watches the stand-in for two calls of one customer in flight at once."""

    def __init__(self, intercom: FakeIntercom) -> None:
        self._intercom = intercom

    def found(self) -> list[str]:
        """Pairs of calls of one customer that overlapped."""
        spans: dict[str, list[Call]] = {}
        for call in self._intercom.ledger:
            spans.setdefault(self._customer(call), []).append(call)
        crossed = []
        for customer, calls in spans.items():
            for one, next_one in pairwise(calls):
                if customer and (one.answered_at is None or one.answered_at > next_one.arrived_at):
                    crossed.append(f"{customer}: {one.line} and {next_one.line}")
        return crossed

    def _customer(self, call: Call) -> str:
        if call.route.startswith("GET /contacts/find"):
            return call.argument
        if call.path == "/events":
            return str(call.data["user_id"])
        if call.method == "POST" and call.path == "/contacts":
            return str(call.data["external_id"])
        found = self._intercom.contact_by_id(call.argument)
        return str(found.external_id) if found else ""


def test_two_drains_send_every_event_once_and_never_cross_one_customers_calls(
    project: Project, intercom: FakeIntercom
) -> None:
    for number in range(40):
        receive(project, app_user_id=f"user-{number % 8}", event_timestamp_ms=NEW_YEAR_MS + number * 1000)
    intercom.latency = 0.003
    drains = [Beside(lambda: drain_until_done(project)) for _ in range(3)]
    for each in drains:
        each.join()
    assert set(Delivery.objects.values_list("status", "tries")) == {("delivered", 1)}
    assert len(intercom.events) == 40
    assert not intercom.repeats
    assert not Crossings(intercom).found()
    assert not DeliveryAttempt.objects.filter(finished_at=None).exists()
    for number in range(8):
        sent = [event.created_at for event in intercom.events_of(f"user-{number}")]
        assert sent == sorted(sent)


def drain_until_done(project: Project) -> None:
    """Drain again and again, as rings would, until nothing is pending."""
    while Delivery.objects.filter(status="pending").exists():
        run_drain(project, threads=4)


def test_a_slow_drain_that_lost_its_lease_leaves_only_its_log(project: Project, intercom: FakeIntercom) -> None:
    delivery = receive(project)
    gate = threading.Event()
    intercom.inject(faults.hold(gate, acts_first=True), path="/events")
    slow = Beside(lambda: run_drain(project))
    intercom.wait_for_calls(1, "/events")
    an_hour_on = timezone.now() + timedelta(hours=1)
    run_drain(project, lambda: an_hour_on)
    row = refreshed(delivery)
    assert (row.status, row.tries) == ("delivered", 2)
    gate.set()
    slow.join()
    assert refreshed(delivery).finished_at == row.finished_at
    outcomes = DeliveryAttempt.objects.filter(delivery=delivery).order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["delivered", "delivered"]
    assert len(intercom.events) == 1 and len(intercom.repeats) == 1


def test_a_slow_drain_that_lost_its_lease_does_not_free_a_customer_of_another_drain(
    project: Project, intercom: FakeIntercom
) -> None:
    receive(project)
    first, second = threading.Event(), threading.Event()
    intercom.inject(faults.hold(first), path="/events")
    intercom.inject(faults.hold(second), path="/events")
    slow = Beside(lambda: run_drain(project))
    intercom.wait_for_calls(1, "/events")
    later = timezone.now() + timedelta(hours=1)
    other = Beside(lambda: run_drain(project, lambda: later))
    intercom.wait_for_calls(2, "/events")
    first.set()
    slow.join()
    busy_until = Customer.objects.get().busy_until
    assert busy_until is not None and busy_until > later
    second.set()
    other.join()
    assert Customer.objects.get().busy_until is None


def test_redelivering_everything_while_it_is_drained_locks_nobody_out(project: Project, intercom: FakeIntercom) -> None:
    for number in range(40):
        receive(project, app_user_id=f"user-{number % 20}", event_timestamp_ms=NEW_YEAR_MS + number * 1000)
    drains = [Beside(lambda: drain_until_done(project)) for _ in range(2)]
    for _ in range(30):
        Delivery.objects.order_by("-id").requeue(timezone.now())
    for each in drains:
        each.join()
    drain_until_done(project)
    assert not Delivery.objects.exclude(status="delivered").exists()
    assert len(intercom.events) == 40
    assert not Crossings(intercom).found()
