"""
The right person, over HTTP: other ids, email, contacts that were chosen, and anonymous customers who get a name later.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from integration.models import Customer, Delivery, DeliveryAttempt, IdentityCase, IdentityLink, Project
from tests.factories import NEW_YEAR_MS, TOKEN, Clock, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom

ANON = "$RCAnonymousID:0123"
EMAIL = {"$email": {"value": "ada@example.com", "updated_at_ms": 1}}


def setting(project: Project, **values: Any) -> None:
    """As an admin does."""
    for name, value in values.items():
        setattr(project, name, value)
    project.save()


def test_the_original_id_names_one_contact_for_all_ids_of_a_customer(project: Project, intercom: FakeIntercom) -> None:
    setting(project, identity=["original_app_user_id", "app_user_id"])
    ids: dict[str, Any] = {"original_app_user_id": "first", "aliases": ["first", "second"]}
    receive(project, app_user_id="first", **ids)
    receive(project, app_user_id="second", event_type="EXPIRATION", event_timestamp_ms=NEW_YEAR_MS + 1000, **ids)
    receive(project, app_user_id="first", event_timestamp_ms=NEW_YEAR_MS + 2000, **ids)
    run_drain(project)
    assert [event.event_name for event in intercom.events_of("first")] == [
        "rc_renewal_event",
        "rc_expiration_event",
        "rc_renewal_event",
    ]
    assert intercom.contact("first").custom_attributes["subscription_status"] == "active"
    assert Customer.objects.get().app_user_id == "first"
    assert set(Customer.objects.get().aliases) == {"first", "second"}


def test_a_contact_is_found_by_email_and_told_by_its_own_id(project: Project, intercom: FakeIntercom) -> None:
    setting(project, identity=["email", "app_user_id"])
    contact = intercom.add_contact("crm-77", email="ada@example.com")
    for second in range(2):
        receive(project, subscriber_attributes=EMAIL, event_timestamp_ms=NEW_YEAR_MS + 1000 * second)
    run_drain(project)
    assert len(intercom.events) == 2
    assert {event.contact_id for event in intercom.events} == {contact.id}
    assert contact.custom_attributes["subscription_status"] == "active"
    searches = [call for call in intercom.ledger if call.path == "/contacts/search"]
    assert len(searches) == 1, "the contact is remembered"


def test_a_contact_that_nobody_has_is_made_with_the_email(project: Project, intercom: FakeIntercom) -> None:
    setting(project, identity=["email"])
    receive(project, subscriber_attributes=EMAIL)
    run_drain(project)
    assert intercom.contact("user-1").email == "ada@example.com"


def test_several_contacts_with_one_email_are_told_nothing_and_the_delivery_waits(
    project: Project, intercom: FakeIntercom, clock: Clock
) -> None:
    setting(project, identity=["email"])
    one = intercom.add_contact("a", email="ada@example.com")
    two = intercom.add_contact("b", email="ada@example.com")
    delivery = receive(project, subscriber_attributes=EMAIL)
    run_drain(project, clock)
    row = refreshed(delivery)
    assert (row.status, row.due_at, row.reason) == ("pending", None, "waits_for_a_choice")
    assert DeliveryAttempt.objects.get().outcome == "ambiguous"
    case = IdentityCase.objects.get()
    assert {candidate["id"] for candidate in case.candidates} == {one.id, two.id}
    assert not intercom.events and not one.custom_attributes
    clock.advance(days=3)
    run_drain(project, clock)
    assert len(intercom.ledger) == 1, "it is not tried again by itself"


def test_a_contact_that_was_chosen_gets_what_waited_and_all_that_comes(
    project: Project, intercom: FakeIntercom
) -> None:
    setting(project, identity=["email"])
    chosen = intercom.add_contact("b", email="ada@example.com")
    intercom.add_contact("a", email="ada@example.com")
    receive(project, subscriber_attributes=EMAIL)
    run_drain(project)
    IdentityLink.objects.decide(project, "user-1", contact_id=chosen.id)
    assert Delivery.objects.all().release() == 1
    receive(project, subscriber_attributes=EMAIL, event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert [event.contact_id for event in intercom.events] == [chosen.id] * 2
    assert chosen.custom_attributes["subscription_status"] == "active"


def test_an_anonymous_customer_waits_for_an_alias_and_all_goes_out_in_order_with_its_own_times(
    project: Project, intercom: FakeIntercom
) -> None:
    setting(project, anonymous="hold")
    first = receive(project, app_user_id=ANON, aliases=[ANON], event_type="INITIAL_PURCHASE")
    second = receive(project, app_user_id=ANON, aliases=[ANON], event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert {refreshed(one).reason for one in (first, second)} == {"waits_for_a_name"}
    assert not intercom.ledger
    assert IdentityCase.objects.get().app_user_id == ANON
    receive(project, aliases=[ANON, "user-1"], event_timestamp_ms=NEW_YEAR_MS + 2000, event_type="EXPIRATION")
    run_drain(project)
    assert [(event.event_name, event.created_at) for event in intercom.events_of("user-1")] == [
        ("rc_initial_purchase_event", NEW_YEAR_MS // 1000),
        ("rc_renewal_event", NEW_YEAR_MS // 1000 + 1),
        ("rc_expiration_event", NEW_YEAR_MS // 1000 + 2),
    ]
    assert [contact.external_id for contact in intercom.contacts] == ["user-1"]
    assert IdentityCase.objects.get().resolved_at is not None


def test_who_is_known_by_email_gets_what_waited_for_a_name_too(project: Project, intercom: FakeIntercom) -> None:
    setting(project, anonymous="hold", identity=["email", "app_user_id"])
    contact = intercom.add_contact("crm-77", email="ada@example.com")
    receive(project, app_user_id=ANON, aliases=[ANON])
    run_drain(project)
    named: dict[str, Any] = {"aliases": [ANON, "user-1"], "subscriber_attributes": EMAIL}
    receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000, event_type="EXPIRATION", **named)
    run_drain(project)
    assert [(event.contact_id, event.event_name) for event in intercom.events] == [
        (contact.id, "rc_renewal_event"),
        (contact.id, "rc_expiration_event"),
    ]
    assert [one.external_id for one in intercom.contacts] == ["crm-77"]
    # Without the email as a source the id counts, as for any other event.
    setting(project, identity=["app_user_id"])
    receive(project, app_user_id=ANON, aliases=[ANON], event_timestamp_ms=NEW_YEAR_MS + 2000)
    run_drain(project)
    assert len(intercom.events_of("user-1")) == 1


def test_who_waits_again_waits_since_then(project: Project, intercom: FakeIntercom, clock: Clock) -> None:
    setting(project, anonymous="hold")
    receive(project, app_user_id=ANON, aliases=[ANON])
    run_drain(project, clock)
    first = IdentityCase.objects.get().since
    clock.advance(hours=1)
    receive(project, app_user_id=ANON, aliases=[ANON], event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project, clock)
    assert IdentityCase.objects.get().since == first
    IdentityCase.objects.close(project, [ANON], clock())
    clock.advance(hours=1)
    receive(project, app_user_id=ANON, aliases=[ANON], event_timestamp_ms=NEW_YEAR_MS + 2000)
    run_drain(project, clock)
    again = IdentityCase.objects.get()
    assert again.since > first and again.resolved_at is None


def test_once_named_later_events_of_the_anonymous_id_go_to_that_person(
    project: Project, intercom: FakeIntercom
) -> None:
    setting(project, anonymous="hold")
    receive(project, app_user_id=ANON, aliases=[ANON])
    run_drain(project)
    receive(project, aliases=[ANON, "user-1"], event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    receive(project, app_user_id=ANON, aliases=[ANON], event_timestamp_ms=NEW_YEAR_MS + 2000)
    run_drain(project)
    assert len(intercom.events_of("user-1")) == 3


def test_a_transfer_that_is_itself_not_sent_gives_a_name_all_the_same(project: Project, intercom: FakeIntercom) -> None:
    setting(project, anonymous="hold")
    receive(project, app_user_id=ANON, aliases=[ANON])
    run_drain(project)
    receive(project, event_type="TRANSFER", app_user_id=None, transferred_from=[ANON], transferred_to=["user-5"])
    run_drain(project)
    assert len(intercom.events_of("user-5")) == 1


def test_the_name_may_come_before_the_anonymous_event_or_together_with_it(
    project: Project, intercom: FakeIntercom
) -> None:
    setting(project, anonymous="hold")
    receive(project, aliases=[ANON, "user-1"])
    run_drain(project)
    receive(project, app_user_id=ANON, aliases=[ANON], event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    receive(project, app_user_id="$RCAnonymousID:9", aliases=[], event_timestamp_ms=NEW_YEAR_MS + 2000)
    receive(project, aliases=["$RCAnonymousID:9", "user-1"], event_timestamp_ms=NEW_YEAR_MS + 3000)
    run_drain(project)
    assert len(intercom.events_of("user-1")) == 4
    assert not Delivery.objects.exclude(status="delivered").exists()


def test_who_waits_for_a_choice_is_not_released_by_a_name(project: Project, intercom: FakeIntercom) -> None:
    setting(project, identity=["email"], anonymous="hold")
    for name in ("a", "b"):
        intercom.add_contact(name, email="ada@example.com")
    waiting = receive(project, app_user_id=ANON, aliases=[ANON], subscriber_attributes=EMAIL)
    run_drain(project)
    receive(project, aliases=[ANON, "user-1"], event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert (refreshed(waiting).status, refreshed(waiting).reason) == ("pending", "waits_for_a_choice")


def test_what_waits_for_a_choice_is_counted_for_who_is_chosen(project: Project, intercom: FakeIntercom) -> None:
    setting(project, identity=["email"], money="gross", lifetime_totals=True)
    chosen = intercom.add_contact("b", email="ada@example.com")
    intercom.add_contact("a", email="ada@example.com")
    receive(project, subscriber_attributes=EMAIL)
    run_drain(project)
    IdentityLink.objects.decide(project, "user-1", contact_id=chosen.id)
    Delivery.objects.all().release()
    run_drain(project)
    assert chosen.custom_attributes["rc_purchases"] == 1
    assert sorted(Customer.objects.values_list("purchases", flat=True)) == [0, 1]


def test_another_id_that_an_operator_has_named_goes_before_the_email(project: Project, intercom: FakeIntercom) -> None:
    setting(project, identity=["email"])
    for name in ("a", "b"):
        intercom.add_contact(name, email="ada@example.com")
    receive(project, subscriber_attributes=EMAIL)
    run_drain(project)
    IdentityLink.objects.decide(project, "user-1", named="a")
    Delivery.objects.all().release()
    run_drain(project)
    assert len(intercom.events_of("a")) == 1


def test_a_chosen_contact_that_was_merged_is_followed_and_one_that_is_gone_is_not_replaced(
    project: Project, intercom: FakeIntercom
) -> None:
    chosen, heir = intercom.add_contact("b"), intercom.add_contact("heir")
    IdentityLink.objects.decide(project, "user-1", contact_id=chosen.id)
    chosen.merged_into = heir.id
    receive(project)
    run_drain(project)
    assert [event.contact_id for event in intercom.events] == [heir.id]
    IdentityLink.objects.decide(project, "user-2", contact_id="64b0000000000000000000ff")
    gone = receive(project, app_user_id="user-2")
    run_drain(project)
    assert "is gone. Choose another one" in refreshed(gone).explanation
    assert {contact.external_id for contact in intercom.contacts} == {"b", "heir"}


def test_an_event_whose_rows_cannot_be_written_holds_up_no_other(project: Project, intercom: FakeIntercom) -> None:
    setting(project, money="gross", lifetime_totals=True)
    Customer.objects.create(project=project, app_user_id="user-1", purchases=2_147_483_647)
    poison = receive(project)
    others = [receive(project, app_user_id=f"user-{number}") for number in range(2, 6)]
    run_drain(project)
    assert {refreshed(one).status for one in others} == {"delivered"}
    row = refreshed(poison)
    assert row.status == "pending" and "could not be written down" in row.explanation and row.tries == 1


def test_two_ids_with_one_email_are_told_one_after_the_other_to_one_contact(
    project: Project, intercom: FakeIntercom
) -> None:
    setting(project, identity=["email"])
    for number in range(6):
        receive(
            project,
            app_user_id=f"user-{number % 2}",
            subscriber_attributes=EMAIL,
            event_timestamp_ms=NEW_YEAR_MS + 1000 * number,
        )
    run_drain(project)
    assert len(intercom.events) == 6
    assert len(intercom.contacts) == 1
    assert str(Customer.objects.get()) == "email:ada@example.com"


def test_a_missing_contact_fails_at_once_where_the_project_says_so(project: Project, intercom: FakeIntercom) -> None:
    setting(project, missing_contact="fail")
    delivery = receive(project)
    run_drain(project)
    row = refreshed(delivery)
    assert (row.status, row.tries) == ("failed", 1)
    assert "never creates contacts" in row.explanation


def test_a_contact_that_was_chosen_in_another_workspace_is_not_used_after_the_token_has_changed(
    project: Project, intercom: FakeIntercom
) -> None:
    IdentityLink.objects.decide(project, "user-1", contact_id="64b0000000000000000000ff")
    project.replace_intercom_token(TOKEN, timezone.now())
    project.save()
    receive(project)
    run_drain(project)
    assert len(intercom.events_of("user-1")) == 1
