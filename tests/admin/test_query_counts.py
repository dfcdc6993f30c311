"""
Every page asks a fixed number of questions, however many rows there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integration.mapping import WaitReason
from integration.models import (
    Customer,
    Delivery,
    DeliveryAttempt,
    Discrepancy,
    IdentityCase,
    Project,
    WebhookEvent,
)
from tests.admin.conftest import project_url, text_of
from tests.factories import make_project, receive, run_drain

Queries = Callable[..., Any]
# Three for the session, the person who is signed in and their second factor are among them, and one for the banners.
LISTS = {
    "/admin/integration/project/": 6,
    "/admin/integration/delivery/": 9,
    "/admin/integration/delivery/?q=user-1": 12,
    "/admin/integration/delivery/?q=no-request-id-0123456789": 14,
    "/admin/integration/bulkredelivery/": 8,
    "/admin/integration/delivery/?environment=PRODUCTION&status__exact=delivered&event_type=renewal": 9,
    "/admin/integration/webhookevent/": 9,
    "/admin/integration/customer/": 8,
    "/admin/integration/identitycase/": 8,
    "/admin/integration/discrepancy/": 8,
}


def fill(project: Project, count: int) -> None:
    """Rows of every kind, for several projects."""
    for number in range(count):
        other = make_project()
        receive(other, app_user_id=f"user-{number}")
        receive(project, app_user_id=f"user-{number}")
        waiting = receive(other, app_user_id=f"{uuid.uuid4()}")
        IdentityCase.objects.open([IdentityCase.of(waiting, WaitReason.ANONYMOUS, timezone.now())])
        customer = Customer.objects.create(project=other, app_user_id=f"{uuid.uuid4()}")
        Discrepancy.objects.create(project=other, customer=customer, found_at=timezone.now())
    run_drain(project)


@pytest.mark.parametrize(("url", "most"), LISTS.items())
def test_a_list_asks_no_more_for_more_rows(
    admin_client: Client, project: Project, django_assert_max_num_queries: Queries, url: str, most: int
) -> None:
    fill(project, 1)
    text_of(admin_client.get(url))
    with django_assert_max_num_queries(most) as few:
        text_of(admin_client.get(url))
    fill(project, 6)
    with django_assert_max_num_queries(most) as many:
        text_of(admin_client.get(url))
    assert len(many) == len(few)


def page_urls(project: Project) -> dict[str, tuple[str, int]]:
    """The page of one row of each kind, and how many questions it may ask."""
    return {
        "project": (project_url(project), 16),
        "delivery": (f"/admin/integration/delivery/{Delivery.objects.filter(project=project)[0].pk}/change/", 8),
        "event": (f"/admin/integration/webhookevent/{WebhookEvent.objects.filter(project=project)[0].pk}/change/", 9),
        "customer": (f"/admin/integration/customer/{Customer.objects.filter(project=project)[0].pk}/change/", 10),
    }


@pytest.mark.parametrize("kind", ["project", "delivery", "event", "customer"])
def test_a_page_asks_no_more_for_more_rows(
    admin_client: Client, project: Project, django_assert_max_num_queries: Queries, kind: str
) -> None:
    receive(project)
    run_drain(project)
    url, most = page_urls(project)[kind]
    # The first page of a process also asks for what Django then remembers.
    text_of(admin_client.get(url))
    with django_assert_max_num_queries(most) as few:
        text_of(admin_client.get(url))
    first = Delivery.objects.get()
    for _ in range(5):
        receive(project)
        run_drain(project)
        DeliveryAttempt.objects.create(delivery=first, started_at=timezone.now(), exchanges=[{"method": "GET"}])
    with django_assert_max_num_queries(most) as many:
        text_of(admin_client.get(url))
    assert len(many) == len(few)
