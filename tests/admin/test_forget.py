"""
Forgetting a customer in the admin: what is shown before, what is left afterwards, and who may do it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from integration.models import Customer, Delivery, Project
from tests.admin.conftest import SignIn, act, text_of
from tests.everything import every_row
from tests.factories import receive, run_drain

EMAIL = "jonas.vogel@example.com"
LIST = "/admin/integration/customer/"


@pytest.fixture
def customer(project: Project) -> Customer:
    """Somebody who has been told of, and whose delivery somebody has redelivered."""
    attributes = {"$email": {"value": EMAIL}}
    receive(project, app_user_id="me-10733", aliases=["me-10733", "alias-5"], subscriber_attributes=attributes)
    receive(project, app_user_id="other")
    run_drain(project)
    return Customer.objects.get(app_user_id="me-10733")


def forget_url(customer: Customer) -> str:
    """The address of the dialog."""
    return f"{LIST}{customer.pk}/forget/"


def test_the_dialog_shows_what_would_be_erased_and_changes_nothing(admin_client: Client, customer: Customer) -> None:
    page = text_of(admin_client.get(forget_url(customer)))
    assert "1 webhook event, 1 delivery, 1 attempt, 1 customer" in page
    assert "me-10733" in page and "alias-5" in page and "Erase all of it" in page
    assert Delivery.objects.count() == 2
    assert forget_url(customer) in text_of(admin_client.get(f"{LIST}{customer.pk}/change/"))


def test_afterwards_only_the_audit_trail_knows_that_it_was_done(admin_client: Client, customer: Customer) -> None:
    delivery = Delivery.objects.get(app_user_id="me-10733")
    act(admin_client, f"/admin/integration/delivery/{delivery.pk}/redeliver/")
    answer = act(admin_client, forget_url(customer))
    assert answer.headers["Location"] == LIST
    assert "The customer is forgotten" in text_of(admin_client.get(LIST))
    everything = every_row()
    for text in ("me-10733", "alias-5", EMAIL):
        assert text not in everything
    entry = LogEntry.objects.order_by("-id")[0]
    assert entry.object_repr == "Larkfield" and entry.object_id == str(customer.project_id)
    said = "A customer was forgotten: 1 webhook event, 1 delivery, 1 attempt, 1 customer were erased."
    assert entry.get_change_message() == said
    project = Project.objects.get()
    assert project.forgotten_customers == 1
    assert Delivery.objects.get().app_user_id == "other"


def test_while_a_delivery_is_being_sent_it_says_to_try_again(admin_client: Client, customer: Customer) -> None:
    Customer.objects.filter(pk=customer.pk).update(busy_until=timezone.now() + timedelta(seconds=45))
    act(admin_client, forget_url(customer))
    page = text_of(admin_client.get(f"{LIST}{customer.pk}/change/"))
    assert "being sent at this moment. Try again in a minute." in page
    assert Delivery.objects.count() == 2 and not LogEntry.objects.exists()


def test_who_may_only_read_the_log_cannot_forget_anybody(customer: Customer, sign_in: SignIn) -> None:
    client = sign_in("view_customer", "view_project")
    assert "/forget/" not in text_of(client.get(f"{LIST}{customer.pk}/change/"))
    assert client.get(forget_url(customer)).status_code == 403
    assert act(client, forget_url(customer)).status_code == 403
    assert Customer.objects.filter(pk=customer.pk).exists()


def test_who_may_change_the_project_may_forget_its_customers(customer: Customer, sign_in: SignIn) -> None:
    act(sign_in("view_customer", "change_project"), forget_url(customer))
    assert not Customer.objects.filter(pk=customer.pk).exists()


def test_who_is_no_member_of_the_project_cannot_forget_its_customers(customer: Customer, sign_in: SignIn) -> None:
    client = sign_in("view_customer", "change_project")
    customer.project.members.clear()
    assert client.get(forget_url(customer)).status_code in (403, 404)
    assert act(client, forget_url(customer)).status_code in (403, 404)
    assert Customer.objects.filter(pk=customer.pk).exists()


@pytest.mark.parametrize("pk", ["999999", "nobody"])
def test_a_customer_who_is_gone_is_404(admin_client: Client, customer: Customer, pk: str) -> None:
    assert admin_client.get(f"{LIST}{pk}/forget/").status_code == 404
    assert act(admin_client, f"{LIST}{pk}/forget/").status_code == 404
