"""
Sandbox events that are only logged: the attempt shows every call that would be made, and Intercom hears nothing.
"""

from __future__ import annotations

import pytest

from integration.mapping import SKIP_SENTENCES, SkipReason
from integration.models import Customer, DeliveryAttempt, Project
from tests.factories import NEW_YEAR_MS, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom


@pytest.fixture
def project(project: Project) -> Project:
    """One that only logs them."""
    project.sandbox = "log"
    project.save()
    return project


def test_the_attempt_shows_the_calls_and_nothing_is_sent(project: Project, intercom: FakeIntercom) -> None:
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    row = refreshed(delivery)
    assert (row.status, row.reason) == ("skipped", "sandbox_logged")
    assert row.explanation == SKIP_SENTENCES[SkipReason.SANDBOX_LOGGED]
    assert not intercom.ledger
    attempt = DeliveryAttempt.objects.get()
    assert attempt.outcome == "rehearsed"
    assert [(call["method"], call["path"], call["status"]) for call in attempt.exchanges] == [
        ("GET", "/contacts/find_by_external_id/user-1", None),
        ("POST", "/contacts", None),
        ("POST", "/events", None),
    ]
    assert attempt.exchanges[2]["request"]["metadata"]["environment"] == "sandbox"


def test_what_is_only_logged_changes_nothing_that_is_known(project: Project, intercom: FakeIntercom) -> None:
    receive(project)
    run_drain(project)
    before = Customer.objects.get()
    receive(project, environment="SANDBOX", event_type="EXPIRATION", event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    after = Customer.objects.get()
    assert (after.state, after.told, after.last_event_at_ms) == (before.state, before.told, before.last_event_at_ms)
    calls = DeliveryAttempt.objects.get(outcome="rehearsed").exchanges
    assert [call["method"] for call in calls] == ["PUT", "POST"], "of a contact that is known only what would change"
    assert calls[0]["request"] == {"custom_attributes": {"subscription_status": "expired"}}


def test_the_next_real_event_is_sent_as_if_nothing_had_been_logged(project: Project, intercom: FakeIntercom) -> None:
    receive(project, environment="SANDBOX", event_type="EXPIRATION")
    run_drain(project)
    receive(project)
    run_drain(project)
    assert [event.event_name for event in intercom.events] == ["rc_renewal_event"]
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "active"
