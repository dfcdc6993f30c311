"""
What is not sent and why, and that today's settings decide: for what is pending and for what is redelivered.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration.mapping import SKIP_SENTENCES, SkipReason
from integration.models import Customer, Delivery, DeliveryAttempt, EventSetting, Project
from tests.factories import NEW_YEAR_MS, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"event_type": "TEST"}, SkipReason.TEST_EVENT),
        ({"event_type": "TRANSFER"}, SkipReason.EVENT_TYPE_OFF),
        ({"event_type": "SUBSCRIBER_ALIAS"}, SkipReason.NOT_AN_EVENT_TYPE),
        ({"event_type": "SOMETHING_NEW_IN_2031"}, SkipReason.NOT_AN_EVENT_TYPE),
        ({"environment": "SANDBOX"}, SkipReason.SANDBOX),
        ({"app_user_id": None}, SkipReason.NO_CUSTOMER),
        ({"app_user_id": "  "}, SkipReason.NO_CUSTOMER),
        ({"app_user_id": 7}, SkipReason.NO_CUSTOMER),
        ({"app_user_id": "x" * 256}, SkipReason.NO_CUSTOMER),
        ({"app_user_id": "$RCAnonymousID:0123"}, SkipReason.ANONYMOUS),
    ],
)
def test_what_is_skipped_says_why_without_a_call(
    project: Project, intercom: FakeIntercom, fields: dict[str, Any], reason: SkipReason
) -> None:
    project.anonymous = "skip"
    project.save()
    delivery = receive(project, **fields)
    run_drain(project)
    row = refreshed(delivery)
    assert (row.status, row.reason, row.explanation) == ("skipped", reason, SKIP_SENTENCES[reason])
    assert (row.tries, row.due_at) == (0, None)
    assert row.finished_at is not None
    assert not intercom.ledger
    assert not DeliveryAttempt.objects.exists()


def test_a_skipped_event_teaches_nothing_about_the_customer(project: Project, intercom: FakeIntercom) -> None:
    receive(project, environment="SANDBOX", event_type="EXPIRATION", event_timestamp_ms=NEW_YEAR_MS + 1)
    receive(project)
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "active"


def test_sandbox_events_are_sent_where_the_project_says_so(project: Project, intercom: FakeIntercom) -> None:
    project.sandbox = "send"
    project.save()
    receive(project, environment="SANDBOX")
    run_drain(project)
    assert intercom.events[0].metadata["environment"] == "sandbox"


def test_an_optional_event_that_is_switched_off_still_updates_the_contact(
    project: Project, intercom: FakeIntercom
) -> None:
    EventSetting.objects.create(project=project, event_type="expiration", enabled=False)
    delivery = receive(project, event_type="EXPIRATION")
    run_drain(project)
    row = refreshed(delivery)
    assert row.status == "delivered"
    assert "“Expiration” is switched off" in row.explanation
    assert not intercom.events
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "expired"


def test_an_event_type_that_is_always_on_cannot_be_switched_off(project: Project, intercom: FakeIntercom) -> None:
    EventSetting.objects.create(project=project, event_type="renewal", enabled=False)
    receive(project)
    run_drain(project)
    assert len(intercom.events) == 1


@pytest.mark.parametrize("event_type", ["UNCANCELLATION", "SUBSCRIPTION_EXTENDED"])
def test_contact_only_types_update_the_contact_and_send_no_data_event(
    project: Project, intercom: FakeIntercom, event_type: str
) -> None:
    delivery = receive(project, event_type=event_type)
    run_drain(project)
    assert refreshed(delivery).status == "delivered" and refreshed(delivery).explanation
    assert not intercom.events
    assert intercom.contact("user-1").custom_attributes["expires_at"]


def test_changed_settings_apply_to_what_is_pending(project: Project, intercom: FakeIntercom, clock: Clock) -> None:
    delivery = receive(project)
    sandbox = receive(project, app_user_id="user-2", environment="SANDBOX")
    intercom.inject(faults.error(503), times=None)
    run_drain(project, clock, chance=lambda: 0.0)
    assert refreshed(delivery).event_name == "rc_renewal_event"
    intercom.clear_faults()
    EventSetting.objects.create(project=project, event_type="renewal", custom_name="our_renewal")
    clock.advance(minutes=1)
    run_drain(project, clock)
    assert [event.event_name for event in intercom.events] == ["our_renewal"]
    assert refreshed(delivery).event_name == "our_renewal"
    assert refreshed(sandbox).status == "skipped"


def test_a_setting_of_an_event_type_that_is_no_more_is_ignored(project: Project, intercom: FakeIntercom) -> None:
    EventSetting.objects.create(project=project, event_type="from_another_version", custom_name="x")
    delivery = receive(project)
    run_drain(project)
    assert refreshed(delivery).status == "delivered"


def test_redelivering_plans_anew_with_todays_settings(project: Project, intercom: FakeIntercom) -> None:
    sandbox = receive(project, environment="SANDBOX")
    failed = receive(project, app_user_id="user-2")
    intercom.inject(faults.error(400, "bad", "no"), path="/events")
    run_drain(project)
    assert refreshed(failed).status == "failed"
    assert refreshed(sandbox).status == "skipped"
    project.sandbox = "send"
    project.save()
    EventSetting.objects.create(project=project, event_type="renewal", custom_name="our_renewal")
    assert Delivery.objects.all().requeue(timezone.now()) == 2
    for delivery in (sandbox, failed):
        row = refreshed(delivery)
        assert (row.status, row.tries, row.reason, row.explanation, row.finished_at) == ("pending", 0, "", "", None)
    run_drain(project)
    assert {refreshed(sandbox).status, refreshed(failed).status} == {"delivered"}
    assert [event.event_name for event in intercom.events] == ["our_renewal"] * 2
    outcomes = DeliveryAttempt.objects.filter(delivery=failed).order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["rejected", "delivered"]
    first = DeliveryAttempt.objects.filter(delivery=failed).order_by("id")[0]
    assert "rc_renewal_event" in str(first.exchanges), "an attempt keeps what was really sent"


def test_redelivering_writes_the_attributes_again(project: Project, intercom: FakeIntercom) -> None:
    delivery = receive(project)
    run_drain(project)
    intercom.contact("user-1").custom_attributes.clear()
    Delivery.objects.filter(pk=delivery.pk).requeue(timezone.now())
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "active"
    assert len(intercom.calls("PUT")) == 1
    assert len(intercom.events) == 1
    assert refreshed(delivery).status == "delivered"


def test_redelivering_an_old_event_keeps_the_newest_attributes(project: Project, intercom: FakeIntercom) -> None:
    old = receive(project)
    receive(project, event_type="EXPIRATION", event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    Delivery.objects.filter(pk=old.pk).requeue(timezone.now())
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "expired"


def test_a_late_older_event_overwrites_nothing_but_is_sent(project: Project, intercom: FakeIntercom) -> None:
    receive(project, event_type="EXPIRATION", event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    before = dict(intercom.contact("user-1").custom_attributes)
    receive(project, store="PLAY_STORE", entitlement_ids=["other"], expiration_at_ms=1)
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes == before
    assert {event.event_name for event in intercom.events} == {"rc_renewal_event", "rc_expiration_event"}
    assert not intercom.calls("PUT")
    assert Customer.objects.get().last_event_at_ms == NEW_YEAR_MS + 1000


def test_a_replaced_token_forgets_the_contacts_of_the_other_workspace(
    project: Project, intercom: FakeIntercom, settings: Any
) -> None:
    receive(project)
    run_drain(project)
    with FakeIntercom() as other_workspace:
        settings.INTERCOM_API_URL = other_workspace.url
        project.replace_intercom_token("the-token-of-another-workspace", timezone.now() + timedelta(milliseconds=1))
        project.save()
        receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000)
        run_drain(project)
        contact = other_workspace.contact("user-1")
        assert contact.custom_attributes["subscription_status"] == "active"
        assert Customer.objects.get().contact_id == contact.id
        assert not [call for call in other_workspace.ledger if intercom.contact("user-1").id in call.path]
