"""
What one event costs in calls to Intercom, and what then stands in the rows.
"""

from __future__ import annotations

from integration.models import Customer, DeliveryAttempt, Project
from tests.drain.conftest import ATTRIBUTES
from tests.factories import DAY_MS, NEW_YEAR_MS, TOKEN, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom


def lines(intercom: FakeIntercom) -> list[str]:
    """The calls so far, as methods and routes."""
    return [call.route for call in intercom.ledger]


def test_a_contact_met_for_the_first_time_costs_three_calls(project: Project, prepared: FakeIntercom) -> None:
    delivery = receive(project)
    assert run_drain(project) is False
    assert lines(prepared) == ["GET /contacts/find_by_external_id/{external_id}", "POST /contacts", "POST /events"]
    assert refreshed(delivery).status == "delivered"
    (event,) = prepared.events_of("user-1")
    assert event.event_name == "rc_renewal_event"
    assert event.created_at == NEW_YEAR_MS // 1000
    assert prepared.contact("user-1").custom_attributes == {
        "latest_store": "APP_STORE",
        "latest_entitlement": "premium",
        "expires_at": (NEW_YEAR_MS + 30 * DAY_MS) // 1000,
        "subscription_status": "active",
    }


def test_an_event_that_changes_an_attribute_costs_two_calls(project: Project, prepared: FakeIntercom) -> None:
    receive(project)
    run_drain(project)
    before = len(prepared.ledger)
    receive(project, event_type="CANCELLATION", event_timestamp_ms=NEW_YEAR_MS + 1000, cancel_reason="UNSUBSCRIBE")
    run_drain(project)
    assert lines(prepared)[before:] == ["PUT /contacts/{id}", "POST /events"]
    assert prepared.calls("PUT")[0].data == {"custom_attributes": {"subscription_status": "cancelled"}}


def test_an_event_that_changes_no_attribute_costs_one_call(project: Project, prepared: FakeIntercom) -> None:
    receive(project)
    run_drain(project)
    before = len(prepared.ledger)
    receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert lines(prepared)[before:] == ["POST /events"]


def test_missing_attributes_are_made_once_and_the_call_is_repeated(project: Project, intercom: FakeIntercom) -> None:
    delivery = receive(project)
    other = receive(project, app_user_id="user-2")
    run_drain(project)
    assert refreshed(delivery).status == refreshed(other).status == "delivered"
    assert set(intercom.attributes) == set(ATTRIBUTES)
    assert intercom.attributes["expires_at"].data_type == "date"
    before = len(intercom.ledger)
    receive(project, app_user_id="user-3")
    run_drain(project)
    assert len(intercom.ledger) - before == 3


def test_the_row_and_its_attempt_say_what_was_sent(project: Project, prepared: FakeIntercom) -> None:
    delivery = refreshed_after_drain = receive(project)
    run_drain(project)
    refreshed_after_drain = refreshed(delivery)
    assert refreshed_after_drain.event_type == "renewal"
    assert refreshed_after_drain.event_name == "rc_renewal_event"
    assert refreshed_after_drain.tries == 1
    assert refreshed_after_drain.due_at is None
    assert refreshed_after_drain.finished_at is not None
    attempt = DeliveryAttempt.objects.get(delivery=delivery)
    assert attempt.outcome == "delivered"
    assert [exchange["status"] for exchange in attempt.exchanges] == [404, 200, 202]
    assert attempt.exchanges[2]["request"]["event_name"] == "rc_renewal_event"
    assert all(exchange["request_id"] for exchange in attempt.exchanges)
    assert TOKEN not in str(attempt.exchanges)
    customer = Customer.objects.get(project=project)
    assert customer.contact_id == prepared.contact("user-1").id
    assert customer.busy_until is None


def test_fifty_customers_are_all_told_and_no_thread_exceeds_the_bound(project: Project, prepared: FakeIntercom) -> None:
    for number in range(50):
        receive(project, app_user_id=f"user-{number}")
    prepared.latency = 0.01
    run_drain(project, threads=8)
    assert len(prepared.events) == 50
    assert 2 <= prepared.counters["peak in flight"] <= 8
    assert not prepared.violations


def test_events_of_one_customer_go_out_in_order_and_never_two_at_once(project: Project, prepared: FakeIntercom) -> None:
    for number in range(6):
        receive(project, event_timestamp_ms=NEW_YEAR_MS + number * 1000)
    prepared.latency = 0.01
    run_drain(project)
    assert prepared.counters["peak in flight"] == 1
    sent = [event.created_at for event in prepared.events_of("user-1")]
    assert sent == sorted(sent) and len(sent) == 6
