"""
Events that RevenueCat's own integration does not send, told over HTTP: transfers to both sides, refunds, custom types.
"""

from __future__ import annotations

from typing import Any

from integration.envelopes import parse_envelope
from integration.models import Customer, Delivery, EventSetting, Project
from integration.webhooks.views import accept
from tests.factories import raw, receive, refreshed, run_drain, webhook
from tests.fake_intercom import FakeIntercom


def transfer(**sides: list[str]) -> dict[str, Any]:
    """A transfer as RevenueCat sends it: it names no customer but two sides, and no product."""
    body = webhook("TRANSFER", **sides)
    for name in ("app_user_id", "aliases", "product_id", "period_type", "expiration_at_ms", "entitlement_ids", "price"):
        del body["event"][name]
    return body


def take_in(project: Project, body: dict[str, Any]) -> list[Delivery]:
    """Take a webhook in as the door does; all that is owed for it."""
    assert accept(Project.objects.with_version().get(pk=project.pk), parse_envelope(raw(body)))
    return list(Delivery.objects.filter(project=project, webhook_event__event_id=body["event"]["id"]).order_by("id"))


def switch_on(project: Project, *event_types: str) -> None:
    """As an admin does on the settings page."""
    for event_type in event_types:
        EventSetting.objects.create(project=project, event_type=event_type, enabled=True)


def test_a_transfer_is_told_to_both_sides_each_by_their_name(project: Project, intercom: FakeIntercom) -> None:
    switch_on(project, "transfer")
    old, new = take_in(project, transfer(transferred_from=["$RCAnonymousID:1", "old-1"], transferred_to=["new-1"]))
    run_drain(project)
    assert {(event.event_name, event.metadata["transferred_to"]) for event in intercom.events} == {
        ("rc_transfer_event", "new-1")
    }
    assert len(intercom.events_of("old-1")) == len(intercom.events_of("new-1")) == 1
    assert {refreshed(old).app_user_id, refreshed(new).app_user_id} == {"old-1", "new-1"}
    assert intercom.contact("old-1").custom_attributes == {}, "a transfer says nothing of a subscription"


def test_a_transfer_that_comes_again_is_owed_once_to_each_side(project: Project) -> None:
    body = transfer(transferred_from=["a"], transferred_to=["b"])
    assert len(take_in(project, body)) == len(take_in(project, body)) == 2


def test_a_transfer_within_one_customer_is_told_once(project: Project) -> None:
    assert len(take_in(project, transfer(transferred_from=["a"], transferred_to=["a"]))) == 1


def test_a_transfer_that_names_nobody_is_owed_to_nobody_and_says_so(project: Project, intercom: FakeIntercom) -> None:
    switch_on(project, "transfer")
    (delivery,) = take_in(project, transfer(transferred_from=[], transferred_to=[]))
    run_drain(project)
    assert refreshed(delivery).reason == "no_customer"
    assert not intercom.ledger


def test_a_transfer_that_is_off_is_skipped_for_both_and_can_be_redelivered(
    project: Project, intercom: FakeIntercom
) -> None:
    take_in(project, transfer(transferred_from=["old-1"], transferred_to=["new-1"]))
    run_drain(project)
    assert set(Delivery.objects.values_list("status", "reason")) == {("skipped", "event_type_off")}
    switch_on(project, "transfer")
    Delivery.objects.all().requeue(Delivery.objects.latest("id").created_at)
    run_drain(project)
    assert len(intercom.events) == 2


def test_a_redeemed_purchase_is_told_to_who_redeemed_it(project: Project, intercom: FakeIntercom) -> None:
    switch_on(project, "purchase_redeemed")
    body = webhook("PURCHASE_REDEEMED", redeemed_from=["$RCAnonymousID:9"], redeemed_by=["new-1"])
    del body["event"]["app_user_id"]
    take_in(project, body)
    run_drain(project)
    assert intercom.events_of("new-1")[0].metadata["redeemed_from"] == "$RCAnonymousID:9"


def test_a_refund_is_an_event_of_its_own_where_that_is_on_and_a_cancellation_where_not(
    project: Project, intercom: FakeIntercom
) -> None:
    receive(project, event_type="CANCELLATION", cancel_reason="CUSTOMER_SUPPORT", price=-5.99)
    run_drain(project)
    switch_on(project, "refund")
    receive(project, event_type="CANCELLATION", cancel_reason="CUSTOMER_SUPPORT", price=-5.99, app_user_id="user-2")
    receive(project, event_type="CANCELLATION", cancel_reason="UNSUBSCRIBE", price=0, app_user_id="user-3")
    run_drain(project)
    names = {user: intercom.events_of(user)[0].event_name for user in ("user-1", "user-2", "user-3")}
    assert names == {
        "user-1": "rc_cancellation_event",
        "user-2": "rc_refund_event",
        "user-3": "rc_cancellation_event",
    }


def test_a_custom_type_is_told_under_its_name_whatever_the_case_of_its_type(
    project: Project, intercom: FakeIntercom
) -> None:
    project.custom_types = {"spin_the_wheel": "wheel spun"}
    project.save()
    delivery = receive(project, event_type="SPIN_THE_WHEEL")
    run_drain(project)
    assert intercom.events[0].event_name == "wheel spun"
    assert str(refreshed(delivery)) == "SPIN_THE_WHEEL for user-1"


def test_events_of_no_subscription_leave_the_contact_as_it_is(project: Project, intercom: FakeIntercom) -> None:
    switch_on(project, "paywall_impression", "experiment_enrollment")
    receive(project, event_type="PAYWALL_IMPRESSION", store="STRIPE")
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes == {}
    assert Customer.objects.get().state == {}
