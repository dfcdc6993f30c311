"""
What is kept on contacts: chosen facts, subscriber attributes, Intercom's own fields, and only what has changed.
"""

from __future__ import annotations

import json
from typing import Any

from integration.models import Project
from integration.models.mapping_settings import MappingSettings
from tests.factories import NEW_YEAR_MS, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults

PERSON = {
    "$email": {"value": "ada@example.com", "updated_at_ms": 1},
    "$displayName": {"value": "Ada", "updated_at_ms": 1},
    "$phoneNumber": {"value": "+441632960000", "updated_at_ms": 1},
    "plan": {"value": "gold", "updated_at_ms": 1},
}
ALL_FACTS = [
    "store", "entitlement", "expires", "status", "product", "entitlements", "period", "renews", "trial_ends", "country",
    "offer", "renewal_number", "environment", "last_event", "last_event_time", "management_link", "profile_link",
]  # fmt: skip


def setting(project: Project, **values: Any) -> None:
    """Save settings as the page does."""
    for name, value in values.items():
        assert MappingSettings._meta.get_field(name)
        setattr(project, name, value)
    project.save()


def methods(intercom: FakeIntercom, since: int) -> list[str]:
    """The calls after the first so many."""
    return [f"{call.method} {call.path.partition('?')[0]}" for call in intercom.ledger[since:]]


def test_every_fact_is_made_with_its_type_and_then_costs_two_calls_an_event(
    project: Project, intercom: FakeIntercom
) -> None:
    setting(
        project,
        contact_facts=ALL_FACTS,
        attribute_prefix="rc_",
        money="gross",
        lifetime_totals=True,
        subscriber_attributes={"plan": "plan_tier"},
        email_rule="when_empty",
        name_rule="always",
        phone_rule="when_empty",
        revenuecat_project="1ab2c3d4",
    )
    fields: dict[str, Any] = {
        "subscriber_attributes": PERSON,
        "country_code": "GB",
        "renewal_number": 3,
        "offer_code": "X",
    }
    receive(project, currency="USD", price_in_purchased_currency=5.99, **fields)
    run_drain(project)
    types = {name: attribute.data_type for name, attribute in intercom.attributes.items()}
    assert types["rc_will_renew"] == "boolean" and types["rc_expires_at"] == "date"
    assert types["rc_renewal_number"] == "integer" and types["rc_lifetime_revenue_usd"] == "float"
    assert types["plan_tier"] == "string"
    held = intercom.contact("user-1").custom_attributes
    assert held["rc_will_renew"] is True and held["plan_tier"] == "gold" and held["rc_store_country"] == "GB"
    seen = len(intercom.ledger)
    receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000, **fields)
    run_drain(project)
    assert methods(intercom, seen) == [f"PUT /contacts/{intercom.contact('user-1').id}", "POST /events"]
    assert not intercom.violations


def test_only_changed_values_are_sent(project: Project, prepared: FakeIntercom) -> None:
    setting(project, subscriber_attributes={"plan": "plan"})
    prepared.add_attribute("plan", "string")
    receive(project, subscriber_attributes=PERSON)
    run_drain(project)
    changed = {**PERSON, "plan": {"value": "silver", "updated_at_ms": 2}}
    receive(project, subscriber_attributes=changed, event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    puts = [json.loads(call.body) for call in prepared.ledger if call.method == "PUT"]
    assert puts == [{"custom_attributes": {"plan": "silver"}}]


def test_a_late_event_does_not_put_an_older_value_back(project: Project, prepared: FakeIntercom) -> None:
    setting(project, email_rule="always")
    receive(project, subscriber_attributes=PERSON)
    run_drain(project)
    old = {"$email": {"value": "old@example.com", "updated_at_ms": 0}}
    receive(project, subscriber_attributes=old, event_timestamp_ms=NEW_YEAR_MS - 1000)
    run_drain(project)
    assert prepared.contact("user-1").email == "ada@example.com"


def test_by_default_no_field_of_intercoms_own_is_touched(project: Project, intercom: FakeIntercom) -> None:
    intercom.add_contact("user-1")
    receive(project, subscriber_attributes=PERSON)
    receive(project, app_user_id="user-2", subscriber_attributes=PERSON)
    run_drain(project)
    assert intercom.contact("user-1").email is None
    assert intercom.contact("user-2").email is None


def test_a_field_that_has_a_value_is_left_alone_where_only_empty_ones_are_filled(
    project: Project, intercom: FakeIntercom
) -> None:
    setting(project, email_rule="when_empty", name_rule="when_empty")
    intercom.add_contact("user-1", email="known@example.com")
    receive(project, subscriber_attributes=PERSON)
    run_drain(project)
    contact = intercom.contact("user-1")
    assert (contact.email, contact.fields.get("name")) == ("known@example.com", "Ada")


def test_a_field_is_overwritten_where_the_project_always_writes_it(project: Project, intercom: FakeIntercom) -> None:
    setting(project, email_rule="always")
    intercom.add_contact("user-1", email="known@example.com")
    receive(project, subscriber_attributes=PERSON)
    run_drain(project)
    assert intercom.contact("user-1").email == "ada@example.com"


def test_of_a_contact_met_before_the_fields_are_looked_at_once(project: Project, prepared: FakeIntercom) -> None:
    receive(project)
    run_drain(project)
    setting(project, email_rule="when_empty")
    seen = len(prepared.ledger)
    for second in (1, 2):
        receive(project, subscriber_attributes=PERSON, event_timestamp_ms=NEW_YEAR_MS + 1000 * second)
        run_drain(project)
    contact = f"/contacts/{prepared.contact('user-1').id}"
    assert methods(prepared, seen) == [f"GET {contact}", f"PUT {contact}", "POST /events", "POST /events"]


def test_a_new_contact_is_made_with_the_fields_that_are_known(project: Project, prepared: FakeIntercom) -> None:
    setting(project, email_rule="when_empty", name_rule="always", phone_rule="always")
    receive(project, subscriber_attributes=PERSON)
    run_drain(project)
    contact = prepared.contact("user-1")
    assert (contact.email, contact.fields["name"], contact.fields["phone"]) == (
        "ada@example.com",
        "Ada",
        "+441632960000",
    )


def test_what_intercom_would_refuse_for_a_field_is_not_sent(project: Project, prepared: FakeIntercom) -> None:
    setting(project, email_rule="always", phone_rule="always")
    odd = {"$email": {"value": "no address"}, "$phoneNumber": {"value": "call me"}}
    delivery = receive(project, subscriber_attributes=odd)
    run_drain(project)
    assert refreshed(delivery).status == "delivered"
    assert prepared.contact("user-1").email is None


def test_after_a_lost_answer_a_field_is_written_again(project: Project, prepared: FakeIntercom, clock: Clock) -> None:
    setting(project, email_rule="always")
    receive(project)
    run_drain(project, clock)
    prepared.inject(faults.lose_answer(), path="/contacts/*")
    receive(project, subscriber_attributes=PERSON, event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project, clock)
    clock.advance(minutes=1)
    run_drain(project, clock)
    assert prepared.contact("user-1").email == "ada@example.com"
    assert [json.loads(call.body)["email"] for call in prepared.ledger if call.method == "PUT"] == [
        "ada@example.com"
    ] * 2


def test_an_attribute_that_cannot_be_made_holds_the_project_and_says_what_to_do(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    for number in range(250):
        intercom.add_attribute(f"other_{number}")
    delivery = receive(project)
    run_drain(project, clock)
    project.refresh_from_db()
    assert "could not be made in Intercom" in project.hold_reason and "keep fewer" in project.hold_reason
    assert (refreshed(delivery).status, refreshed(delivery).tries) == ("pending", 0)
    assert not intercom.events
    setting(project, contact_facts=[])
    project.resume()
    run_drain(project, clock)
    assert refreshed(delivery).status == "delivered"
    assert len(intercom.events) == 1
