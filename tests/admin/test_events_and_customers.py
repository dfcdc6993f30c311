"""
What arrived, and of whom: the pages of webhook events and of customers.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from integration.models import Customer, Project, WebhookEvent
from tests.admin.conftest import SignIn, delivery_url, text_of
from tests.factories import make_project, receive, run_drain

EVENTS = "/admin/integration/webhookevent/"
CUSTOMERS = "/admin/integration/customer/"


def found(client: Client, url: str, **query: str) -> set[Any]:
    """The rows that a list shows for this query."""
    response = client.get(url, query)
    text_of(response)
    return set(response.context["cl"].result_list)


def test_an_event_shows_its_payload_its_repeats_and_its_deliveries(admin_client: Client, project: Project) -> None:
    delivery = receive(project, favourite="grüße")
    WebhookEvent.objects.update(repeats=7)
    run_drain(project)
    page = text_of(admin_client.get(f"{EVENTS}{delivery.webhook_event_id}/change/"))
    assert escape('"favourite": "grüße"') in page and escape('"api_version": "1.0"') in page
    assert delivery_url(delivery.pk) in page and "Delivered" in page
    assert ">7<" in "".join(page.split())


def test_events_are_filtered_by_type_project_environment_and_time(admin_client: Client, project: Project) -> None:
    renewal = receive(project).webhook_event
    sandbox = receive(make_project("Other"), event_type="EXPIRATION", environment="SANDBOX").webhook_event
    assert found(admin_client, EVENTS, type="RENEWAL") == {renewal}
    assert found(admin_client, EVENTS, environment="SANDBOX") == {sandbox}
    assert found(admin_client, EVENTS, project__id__exact=str(project.pk)) == {renewal}
    assert found(admin_client, EVENTS, received_at_to_0="2020-01-01") == set()
    assert found(admin_client, EVENTS, received_at_from_0="2020-01-01") == {renewal, sandbox}


def test_the_type_filter_offers_what_has_arrived(admin_client: Client, project: Project) -> None:
    for event_type in ("RENEWAL", "RENEWAL", "BRAND_NEW"):
        receive(project, event_type=event_type)
    page = text_of(admin_client.get(EVENTS))
    assert '<option value="BRAND_NEW">' in page and page.count('<option value="RENEWAL">') == 1


def test_events_are_found_by_id_customer_and_email(admin_client: Client, project: Project) -> None:
    email = {"$email": {"value": "ada@example.com", "updated_at_ms": 1}}
    event = receive(project, app_user_id="ada", subscriber_attributes=email).webhook_event
    receive(project, app_user_id="bo")
    for term in (event.event_id, "ada", "ada@example.com"):
        assert found(admin_client, EVENTS, q=term) == {event}


def test_a_customer_shows_what_is_known_and_the_deliveries(admin_client: Client, project: Project) -> None:
    delivery = receive(project, aliases=["user-1", "alias-1"])
    run_drain(project)
    customer = Customer.objects.get()
    page = text_of(admin_client.get(f"{CUSTOMERS}{customer.pk}/change/"))
    for part in ("subscription_status", "active", "latest_store", "APP_STORE", "2026-01-31 00:00:00 UTC", "alias-1"):
        assert part in page
    assert customer.contact_id and customer.contact_id in page
    assert delivery_url(delivery.pk) in page


def test_a_customer_s_skipped_and_waiting_deliveries_are_on_their_page_and_lead_back_to_it(
    admin_client: Client, project: Project
) -> None:
    receive(project)
    skipped = receive(project, event_type="SUBSCRIPTION_PAUSED")
    run_drain(project)
    waiting = receive(project, event_type="EXPIRATION")
    stranger = receive(make_project(), event_type="SUBSCRIPTION_PAUSED")
    customer = Customer.objects.get()
    page = text_of(admin_client.get(f"{CUSTOMERS}{customer.pk}/change/"))
    for delivery in (skipped, waiting):
        assert delivery_url(delivery.pk) in page
        assert f"{CUSTOMERS}{customer.pk}/change/" in text_of(admin_client.get(delivery_url(delivery.pk)))
    assert delivery_url(stranger.pk) not in page


def test_customers_are_found_by_id_and_email(admin_client: Client, project: Project) -> None:
    for who in ("ada", "bo"):
        receive(project, app_user_id=who, subscriber_attributes={"$email": {"value": f"{who}@example.com"}})
    run_drain(project)
    ada = Customer.objects.get(app_user_id="ada")
    assert found(admin_client, CUSTOMERS, q="ada") == found(admin_client, CUSTOMERS, q="Ada@Example.com") == {ada}
    assert found(admin_client, CUSTOMERS, q="ad") == set()
    assert "active" in text_of(admin_client.get(CUSTOMERS))


@pytest.mark.parametrize(
    ("permission", "url"),
    [
        ("view_delivery", "/admin/integration/delivery/"),
        ("view_webhookevent", EVENTS),
        ("view_customer", CUSTOMERS),
        ("view_project", "/admin/integration/project/"),
    ],
)
def test_each_list_needs_its_own_permission(project: Project, sign_in: SignIn, permission: str, url: str) -> None:
    client = sign_in(permission)
    lists = ["/admin/integration/delivery/", EVENTS, CUSTOMERS, "/admin/integration/project/"]
    assert {path: client.get(path).status_code for path in lists} == {
        path: 200 if path == url else 403 for path in lists
    }
    page = text_of(client.get(url))
    assert [path for path in lists if f'href="{path}"' in page] == [url]
