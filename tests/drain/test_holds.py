"""
When a whole project has to wait: refused tokens, rate limits, switched-off projects, missing or unreadable tokens.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from integration.models import Delivery, DeliveryAttempt, Project
from integration.models.forgetting import Person
from integration.models.secrets import Secret
from tests.drain.conftest import Meanwhile
from tests.everything import every_row
from tests.factories import NEW_YEAR_MS, TOKEN, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults


def created_at_of_events(intercom: FakeIntercom) -> list[int]:
    """The seconds of every data event, in the order in which they were sent."""
    return [int(str(call.data["created_at"])) for call in intercom.calls("POST", "/events") if call.status == 202]


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_token_holds_the_project_and_fails_nothing(
    project: Project, intercom: FakeIntercom, clock: Clock, status: int
) -> None:
    deliveries = [receive(project, app_user_id=f"user-{number}") for number in range(20)]
    intercom.inject(faults.error(status), times=None)
    run_drain(project, clock, threads=4)
    project.refresh_from_db()
    assert project.is_held(clock.time + timedelta(days=365))
    assert str(status) in project.hold_reason and "access token" in project.hold_reason
    for row in map(refreshed, deliveries):
        assert (row.status, row.tries) == ("pending", 0)
        assert row.due_at == row.created_at
    assert len(intercom.ledger) <= 4, "calls went on after the refusal"
    assert {attempt.outcome for attempt in DeliveryAttempt.objects.all()} == {"credentials"}
    before = len(intercom.ledger)
    clock.advance(days=30)
    assert run_drain(project, clock) is False
    assert len(intercom.ledger) == before


def test_intercoms_words_about_a_person_stay_in_the_attempt(
    project: Project, intercom: FakeIntercom, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(401, message="User jane@example.com is not allowed"), times=None)
    run_drain(project, clock)
    project.refresh_from_db()
    assert project.hold_reason.startswith("Intercom answered 401")
    assert "is held: Intercom answered 401" in caplog.text
    assert "jane" not in project.hold_reason + caplog.text
    assert "jane@example.com" in DeliveryAttempt.objects.get(delivery=delivery).error
    Person.find(project, "user-1").forget(clock.time)
    assert "jane" not in every_row()


def test_lifting_the_hold_resumes_in_order(project: Project, intercom: FakeIntercom, clock: Clock) -> None:
    seconds = [NEW_YEAR_MS // 1000 + number for number in range(6)]
    for second in seconds:
        receive(project, event_timestamp_ms=second * 1000)
    intercom.accepted_tokens = {"another"}
    run_drain(project, clock)
    project.refresh_from_db()
    assert project.held_at is not None
    intercom.accepted_tokens = {TOKEN}
    project.resume()
    clock.advance(hours=1)
    run_drain(project, clock)
    assert created_at_of_events(intercom) == seconds
    assert set(Delivery.objects.values_list("status", "tries")) == {("delivered", 1)}


def test_429_holds_until_the_reset_in_the_headers_and_burns_no_try(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    deliveries = [receive(project, app_user_id=f"user-{number}") for number in range(5)]
    reset = int(clock.time.timestamp()) + 60
    intercom.inject(
        faults.error(429, headers={"X-RateLimit-Reset": str(reset), "X-RateLimit-Remaining": "0"}), times=None
    )
    run_drain(project, clock, threads=1)
    project.refresh_from_db()
    assert project.held_until == datetime.fromtimestamp(reset, tz=timezone.get_default_timezone())
    assert [refreshed(row).tries for row in deliveries] == [0] * 5
    assert len(intercom.ledger) == 1
    intercom.clear_faults()
    clock.time = project.held_until - timedelta(milliseconds=1)
    assert run_drain(project, clock, stop=stopped_soon()) is False
    assert len(intercom.ledger) == 1, "a call before the reset"
    clock.time = project.held_until
    run_drain(project, clock)
    assert {refreshed(row).status for row in deliveries} == {"delivered"}


@pytest.mark.parametrize("header", ["", "nonsense", "1", "99999999999", "1e400", "nan", "inf", "-5"])
def test_a_429_without_a_usable_reset_time_pauses_within_bounds(
    project: Project, intercom: FakeIntercom, clock: Clock, header: str
) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(429, headers={"X-RateLimit-Reset": header} if header else None))
    run_drain(project, clock, stop=stopped_soon())
    project.refresh_from_db()
    assert project.held_until is not None
    assert timedelta(seconds=1) <= project.held_until - clock.time <= timedelta(seconds=120)
    assert refreshed(delivery).tries == 0


def test_a_short_rate_limit_is_waited_out_in_the_same_drain(project: Project, prepared: FakeIntercom) -> None:
    for number in range(4):
        receive(project, app_user_id=f"user-{number}")
    prepared.rate_limit(8, window_seconds=1.0)
    prepared.consume(6)
    run_drain(project)
    assert len(prepared.events) == 4
    assert set(Delivery.objects.values_list("status", "tries")) == {("delivered", 1)}


def test_the_headers_budget_is_respected_so_that_few_429_are_provoked(project: Project, prepared: FakeIntercom) -> None:
    for number in range(10):
        receive(project, app_user_id=f"user-{number}")
    prepared.rate_limit(20, window_seconds=1.0)
    run_drain(project, threads=4)
    assert len(prepared.events) == 10
    assert prepared.counters["status 429"] <= 4


def test_a_hold_that_waits_for_the_operator_is_not_shortened_by_a_rate_limit(project: Project, clock: Clock) -> None:
    project.hold("the token", clock.time, until=None)
    project.hold("the limit", clock.time, until=clock.time + timedelta(seconds=1))
    project.refresh_from_db()
    assert (project.held_until, project.hold_reason) == (None, "the token")


def test_calls_in_flight_with_the_old_token_do_not_hold_the_project_once_it_has_a_new_one(
    project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project)
    gate = threading.Event()
    intercom.accepted_tokens = {"new-token-0123456789"}
    intercom.inject(faults.hold(gate), times=1)

    def replace() -> None:
        fresh = Project.objects.get(pk=project.pk)
        fresh.replace_intercom_token("new-token-0123456789", timezone.now())
        fresh.save()

        gate.set()

    run_drain(project, Meanwhile(intercom, replace))
    project.refresh_from_db()
    assert project.held_at is None
    assert refreshed(delivery).status == "delivered"


def test_an_inactive_project_is_not_drained_until_it_is_active_again(project: Project, intercom: FakeIntercom) -> None:
    project.active = False
    project.save()
    delivery = receive(project)
    assert run_drain(project) is False
    assert not intercom.ledger and refreshed(delivery).status == "pending"
    project.active = True
    project.save()
    run_drain(project)
    assert refreshed(delivery).status == "delivered"


def test_without_a_token_the_project_is_held_and_says_what_to_do(project: Project, intercom: FakeIntercom) -> None:
    Project.objects.filter(pk=project.pk).update(intercom_token=Secret(""))
    delivery = receive(project)
    assert run_drain(project) is False
    project.refresh_from_db()
    assert project.held_until is None and project.held_at is not None
    assert project.hold_reason.startswith("No Intercom access token is set.")
    assert refreshed(delivery).tries == 0 and not intercom.ledger


def test_a_project_whose_token_is_entered_while_it_is_looked_at_is_not_held(
    project: Project, intercom: FakeIntercom
) -> None:
    receive(project)
    project.intercom_token = Secret.of("")
    project.save(update_fields=["intercom_token"])

    def enter() -> None:
        entered = Project.objects.get(pk=project.pk)
        entered.replace_intercom_token(TOKEN, timezone.now())
        entered.save(update_fields=["intercom_token", "intercom_token_changed_at"])

    meanwhile = Meanwhile(intercom, enter, calls=0)
    run_drain(project, meanwhile)
    project.refresh_from_db()
    assert meanwhile.done and project.held_at is None


def test_a_token_that_cannot_be_decrypted_holds_the_project_and_names_the_key(
    project: Project, intercom: FakeIntercom, settings: Any
) -> None:
    delivery = receive(project)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert run_drain(project) is False
    project.refresh_from_db()
    assert project.held_at is not None and "ENCRYPTION_KEYS" in project.hold_reason
    assert refreshed(delivery).tries == 0 and not intercom.ledger


@pytest.mark.parametrize("token", ["two\nlines-of-a-token", "tok…en-with-an-ellipsis", "tab\tinside-a-token"])
def test_a_token_that_no_header_can_carry_holds_the_project_without_naming_it(
    project: Project, intercom: FakeIntercom, token: str
) -> None:
    project.replace_intercom_token(token, timezone.now())
    project.save()
    delivery = receive(project)
    run_drain(project)
    project.refresh_from_db()
    assert project.held_at is not None
    assert refreshed(delivery).tries == 0
    said = project.hold_reason + refreshed(delivery).explanation
    said += str(list(DeliveryAttempt.objects.values_list("error", "traceback", "exchanges")))
    assert token not in said and repr(token)[1:-1] not in said


def stopped_soon() -> threading.Event:
    """A stop that comes while the drain waits, so that a frozen clock cannot make it wait for ever."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    return stop
