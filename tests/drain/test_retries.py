"""
What follows from each way in which a try can end.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from integration.models import Delivery, DeliveryAttempt, Project
from integration.retry import MOST_TRIES, SCHEDULE
from tests.factories import NEW_YEAR_MS, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults
from tests.fake_intercom.faults import Fault


def attempts(delivery: Delivery) -> list[DeliveryAttempt]:
    """The delivery's log, oldest first."""
    return list(DeliveryAttempt.objects.filter(delivery=delivery).order_by("id"))


def test_the_schedule_moves_the_next_try_until_none_is_left(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(503), times=None)
    for tries, pause in enumerate(SCHEDULE, 1):
        run_drain(project, clock)
        row = refreshed(delivery)
        assert (row.status, row.tries) == ("pending", tries)
        assert row.due_at == clock.time + pause
        assert "503" in row.explanation
        clock.advance(seconds=pause.total_seconds() - 0.001)
        run_drain(project, clock)
        assert refreshed(delivery).tries == tries, "a try before its time"
        clock.advance(seconds=0.001)
    run_drain(project, clock)
    row = refreshed(delivery)
    assert (row.status, row.tries, row.due_at) == ("failed", MOST_TRIES, None)
    assert row.explanation.startswith(f"Gave up after {MOST_TRIES} tries.") and "503" in row.explanation
    assert [attempt.outcome for attempt in attempts(delivery)] == ["retry"] * MOST_TRIES
    assert row.finished_at == clock.time


def test_jitter_only_adds(project: Project, intercom: FakeIntercom, clock: Clock) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(500))
    run_drain(project, clock, chance=lambda: 0.999)
    due_at = refreshed(delivery).due_at
    assert due_at is not None
    assert clock.time + SCHEDULE[0] < due_at <= clock.time + SCHEDULE[0] * 1.2


def test_every_retry_sends_the_same_bytes(project: Project, intercom: FakeIntercom, clock: Clock) -> None:
    receive(project)
    intercom.inject(faults.error(502), times=2, path="/events")
    for _ in range(3):
        run_drain(project, clock)
        clock.advance(minutes=5)
    bodies = {call.body for call in intercom.calls("POST", "/events")}
    assert len(intercom.calls("POST", "/events")) == 3
    assert len(bodies) == 1
    assert len(intercom.events) == 1


def test_an_answer_that_was_lost_is_sent_again_and_intercom_drops_the_repeat(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    intercom.inject(faults.lose_answer(), path="/events")
    run_drain(project, clock)
    assert refreshed(delivery).status == "pending"
    clock.advance(seconds=6)
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"
    assert len(intercom.events) == 1
    assert len(intercom.repeats) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.error(500), "Intercom answered 500"),
        (faults.error(408), "Intercom answered 408"),
        (faults.html(502), "Intercom answered 502"),
        (faults.html(403), "Intercom answered 403"),
        (faults.html(200), "not JSON"),
        (faults.empty(200), "not JSON"),
        (faults.close_unanswered(), "broke off"),
        (faults.close_unanswered(reset=True), "broke off"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_what_time_heals_is_tried_again(
    project: Project, intercom: FakeIntercom, clock: Clock, fault: Fault, said: str
) -> None:
    delivery = receive(project)
    intercom.inject(fault, path="/contacts/*")
    run_drain(project, clock)
    row = refreshed(delivery)
    assert (row.status, row.tries) == ("pending", 1)
    assert said in row.explanation
    project.refresh_from_db()
    assert project.held_at is None
    clock.advance(seconds=5)
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"


def test_a_refused_connection_is_tried_again(project: Project, intercom: FakeIntercom, clock: Clock) -> None:
    delivery = receive(project)
    with intercom.refusing_connections():
        run_drain(project, clock)
    (attempt,) = attempts(delivery)
    assert attempt.outcome == "retry"
    assert attempt.exchanges[0]["status"] is None
    assert "refused" in attempt.exchanges[0]["error"]
    clock.advance(seconds=5)
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"


@pytest.mark.parametrize("path", ["/contacts/*", "/events"])
def test_a_slow_answer_ends_the_try_in_time_and_says_so(
    project: Project, intercom: FakeIntercom, clock: Clock, path: str
) -> None:
    delivery = receive(project)
    intercom.inject(faults.hang(20), path=path)
    run_drain(project, clock, attempt_seconds=0.4)
    (attempt,) = attempts(delivery)
    assert attempt.outcome == "retry"
    assert "took too long" in attempt.error
    assert attempt.exchanges[-1]["milliseconds"] < 2000


def test_an_answer_that_drips_ends_the_try_too(project: Project, intercom: FakeIntercom, clock: Clock) -> None:
    delivery = receive(project)
    intercom.inject(faults.drip(2), path="/contacts/*")
    run_drain(project, clock, attempt_seconds=0.2)
    (attempt,) = attempts(delivery)
    assert (attempt.outcome, refreshed(delivery).status) == ("retry", "pending")
    assert "took too long" in attempt.error


def test_what_intercom_rejects_fails_at_once_with_its_words(project: Project, intercom: FakeIntercom) -> None:
    intercom.add_event_names(120)
    delivery = receive(project)
    run_drain(project)
    row = refreshed(delivery)
    assert (row.status, row.tries) == ("failed", 1)
    assert "120 active event names" in row.explanation and "redeliver" in row.explanation
    assert attempts(delivery)[0].outcome == "rejected"


def test_a_redirect_is_never_followed_and_holds_the_project(project: Project, intercom: FakeIntercom) -> None:
    delivery = receive(project)
    with FakeIntercom() as elsewhere:
        intercom.inject(faults.redirect(elsewhere.url + "/contacts"))
        run_drain(project)
        assert not elsewhere.ledger
    assert (refreshed(delivery).status, refreshed(delivery).tries) == ("pending", 0)
    project.refresh_from_db()
    assert "Redirects are never followed" in project.hold_reason


def test_a_contact_that_may_not_be_created_is_waited_for_two_days_and_then_fails(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    project.missing_contact = "never_create"
    project.save()
    delivery = receive(project)
    began = clock.time
    while (row := refreshed(delivery)).status == "pending":
        assert row.due_at is not None
        clock.time = max(clock.time, row.due_at)
        run_drain(project, clock)
    assert row.status == "failed"
    assert "user-1" in row.explanation and "never creates contacts" in row.explanation
    assert clock.time - began >= timedelta(hours=46)
    assert not intercom.contacts


def test_a_contact_that_appears_while_it_is_waited_for_is_told(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    project.missing_contact = "never_create"
    project.save()
    delivery = receive(project)
    run_drain(project, clock)
    intercom.add_contact("user-1")
    clock.advance(seconds=5)
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "active"


def test_tries_that_all_end_with_the_worker_end_in_a_failure_that_says_so(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    delivery = receive(project)
    Delivery.objects.filter(pk=delivery.pk).update(tries=MOST_TRIES)
    other = receive(project, app_user_id="user-2", event_timestamp_ms=NEW_YEAR_MS + 1)
    run_drain(project, clock)
    row = refreshed(delivery)
    assert row.status == "failed"
    assert "the worker stopped before the outcome was known" in row.explanation
    assert refreshed(other).status == "delivered"
    assert len(intercom.events) == 1
