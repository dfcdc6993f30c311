"""
One customer: how they stand in plain words, what Intercom was told, and every event with what became of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integration.admin import customer_history
from integration.admin.customer_display import STATUS_WORDS
from integration.mapping import WaitReason
from integration.models import Customer, Delivery, DeliveryAttempt, IdentityCase, Project
from integration.reconciliation import STATUSES
from integration.subscription_status import STATUS_OF_PERIOD
from tests.admin.conftest import SignIn, delivery_url, text_of
from tests.factories import DAY_MS, NEW_YEAR_MS, make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom, faults

IN_A_YEAR_MS = 4_102_444_800_000


def customer_url(customer: Customer, query: str = "") -> str:
    """The address of the page."""
    return f"/admin/integration/customer/{customer.pk}/change/{query}"


def page_of(client: Client, customer: Customer, query: str = "") -> str:
    """The page, with runs of white space as one."""
    return " ".join(text_of(client.get(customer_url(customer, query))).split())


def test_every_status_has_words() -> None:
    beside = {"cancelled", "cancelled_trial", "grace_period_trial", "expired_promotional", "promotional", "paused"}
    assert set(STATUS_WORDS) == {*STATUSES, *STATUS_OF_PERIOD.values(), *beside}


def test_the_state_is_said_in_plain_words(admin_client: Client, project: Project) -> None:
    receive(project, expiration_at_ms=IN_A_YEAR_MS)
    run_drain(project)
    page = page_of(admin_client, Customer.objects.get())
    assert "user-1 has an active subscription. Product: premium_monthly. It ends at 2100-01-01 00:00:00 UTC" in page
    assert "Intercom was last told at" in page and "It holds all that is known." in page


def test_what_is_over_is_said_to_be_over(admin_client: Client, project: Project) -> None:
    receive(project, event_type="EXPIRATION", expiration_reason="UNSUBSCRIBE")
    run_drain(project)
    page = page_of(admin_client, Customer.objects.get())
    assert "user-1 has no subscription any more." in page and "It ended at 2026-01-31 00:00:00 UTC" in page


def test_who_was_never_told_of_is_said(admin_client: Client, project: Project) -> None:
    customer = Customer.objects.create(project=project, app_user_id="new")
    page = page_of(admin_client, customer)
    assert "new: no event has said yet how the subscription stands." in page
    assert "Intercom has not been told anything yet." in page and "No event is kept." in page


def test_what_intercom_does_not_hold_yet_is_shown(admin_client: Client, project: Project) -> None:
    receive(project)
    run_drain(project)
    Customer.objects.update(told={"subscription_status": "trial", "latest_store": "APP_STORE"})
    page = page_of(admin_client, Customer.objects.get())
    assert "3 attributes follow with the next event." in page
    assert "Still to be told" in page and "trial" in page


def test_a_status_of_a_later_version_breaks_nothing(admin_client: Client, project: Project) -> None:
    receive(project)
    run_drain(project)
    state = Customer.objects.get().state
    state["subscription_status"]["value"] = "from_the_future"
    state["expires_at"]["value"] = "soon"
    Customer.objects.update(state=state)
    assert "has the status “from_the_future”" in page_of(admin_client, Customer.objects.get())


def test_every_event_has_what_it_became_and_every_try(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    first = receive(project)
    intercom.inject(faults.error(503, message="Busy"))
    run_drain(project)
    run_drain(project, lambda: timezone.now() + timedelta(minutes=1))
    skipped = receive(project, event_type="SUBSCRIPTION_PAUSED", event_timestamp_ms=NEW_YEAR_MS + DAY_MS)
    run_drain(project, lambda: timezone.now() + timedelta(minutes=1))
    page = page_of(admin_client, Customer.objects.get())
    assert page.index(delivery_url(skipped.pk)) < page.index(delivery_url(first.pk))
    for part in ("2 tries", "Failed, tried again", "Busy", "rc_renewal_event", "not tried", "is switched off"):
        assert part in page
    assert f"/admin/integration/webhookevent/{first.webhook_event_id}/change/" in page


def test_events_are_shown_a_page_at_a_time(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_history, "EVENTS_A_PAGE", 2)
    deliveries = [receive(project) for _ in range(5)]
    run_drain(project)
    customer = Customer.objects.get()

    def shown(query: str) -> list[int]:
        page = admin_client.get(customer_url(customer, query)).context["page"]
        return [
            deliveries.index(next(one for one in deliveries if delivery_url(one.pk) == line.url)) for line in page.lines
        ]

    assert shown("") == [4, 3]
    assert shown(f"?before={deliveries[3].pk}") == [2, 1]
    assert shown(f"?before={deliveries[1].pk}") == [0]
    page = page_of(admin_client, customer)
    assert f"?before={deliveries[3].pk}#events" in page and ">Newest<" not in page
    last = page_of(admin_client, customer, f"?before={deliveries[1].pk}")
    assert "before=" not in last.replace(f"before={deliveries[1].pk}", "") and ">Newest<" in last


@pytest.mark.parametrize("before", ["", "nonsense", "-1", "9" * 19, "9" * 30, "²", "%00"])
def test_an_odd_place_to_begin_at_is_the_beginning_or_empty(
    admin_client: Client, project: Project, before: str
) -> None:
    receive(project)
    run_drain(project)
    page_of(admin_client, Customer.objects.get(), f"?before={before}")


def test_others_deliveries_are_not_on_the_page(admin_client: Client, project: Project) -> None:
    receive(project)
    run_drain(project)
    stranger = receive(make_project("Other"))
    assert delivery_url(stranger.pk) not in page_of(admin_client, Customer.objects.get())


def test_a_single_event_can_be_redelivered_from_there_by_who_may(
    admin_client: Client, project: Project, sign_in: SignIn
) -> None:
    delivery = receive(project)
    run_drain(project)
    customer = Customer.objects.get()
    url = delivery_url(delivery.pk, "redeliver")
    page = page_of(admin_client, customer)
    assert f'href="{url}" hx-get="{url}" hx-target="#modal-content"' in page
    assert url not in page_of(sign_in("view_customer"), customer)


def test_who_waits_in_the_identity_queue_is_led_there(admin_client: Client, project: Project, sign_in: SignIn) -> None:
    delivery = receive(project)
    run_drain(project)
    IdentityCase.objects.open([IdentityCase.of(delivery, WaitReason.AMBIGUOUS, timezone.now())])
    case, customer = IdentityCase.objects.get(), Customer.objects.get()
    assert f"/admin/integration/identitycase/{case.pk}/change/" in page_of(admin_client, customer)
    IdentityCase.objects.close(project, ["user-1"], timezone.now())
    assert "wait in the identity queue" not in page_of(admin_client, customer)


def test_both_products_are_linked(admin_client: Client, project: Project) -> None:
    Project.objects.update(revenuecat_project="1ab2c3d4")
    receive(project)
    run_drain(project)
    customer = Customer.objects.get()
    page = page_of(admin_client, customer)
    assert "https://app.revenuecat.com/projects/1ab2c3d4/customers/user-1" in page
    assert f"https://app.intercom.com/a/apps/_/users/{customer.contact_id}" in page


def test_the_page_asks_no_more_for_many_tries(
    admin_client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    delivery = receive(project)
    run_drain(project)
    customer = Customer.objects.get()
    page_of(admin_client, customer)
    with django_assert_max_num_queries(9) as few:
        page_of(admin_client, customer)
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(delivery=delivery, started_at=timezone.now(), error=f"try {number}") for number in range(30)
    )
    with django_assert_max_num_queries(9) as many:
        page = page_of(admin_client, customer)
    assert len(few) == len(many) and "31 tries" in page and "try 29" in page and "try 3 " not in page


# --- Names are named as they are ---------------------------------------------------------------------------------


def test_ids_keep_their_small_letters_above_the_page(admin_client: Client, project: Project) -> None:
    receive(project, app_user_id="lower-case-id")
    run_drain(project)
    customer = Customer.objects.get()
    for url in (customer_url(customer), f"/admin/integration/customer/{customer.pk}/history/"):
        page = text_of(admin_client.get(url))
        assert "Lower-case-id" not in page and "lower-case-id" in page
    assert "Customers" in text_of(admin_client.get(customer_url(customer)))


def test_the_history_of_a_row_has_exact_times_with_their_zone(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    admin_client.post(delivery_url(delivery.pk, "redeliver"), {"_form_submitted": "True"})
    page = text_of(admin_client.get(delivery_url(delivery.pk, "history")))
    assert f"{timezone.now():%Y-%m-%d}" in page and " UTC</time>" in page and "Redelivered." in page
    assert Delivery.objects.count() == 1
