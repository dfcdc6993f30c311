"""
The search of the log by ids that are not the customer's own: aliases, transactions, Intercom's request ids.
"""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from integration.models import Customer, Delivery, DeliveryAttempt, Project, WebhookEvent, log_search
from tests.admin.conftest import text_of
from tests.admin.test_deliveries_list import LIST, found
from tests.factories import make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom, faults

NOTE = "looked for among the newest"


def listed(client: Client, model: str, text: str) -> set[int]:
    """What another list finds."""
    response = client.get(f"/admin/integration/{model}/", {"q": text})
    text_of(response)
    return {row.pk for row in response.context["cl"].result_list}


@pytest.fixture
def other(db: None) -> Project:
    """A project with customers of the same names."""
    return make_project("Other")


def test_an_alias_finds_the_customer_their_events_and_what_became_of_them(
    admin_client: Client, project: Project, other: Project
) -> None:
    mine = receive(project, app_user_id="ada", aliases=["ada", "ada-old"])
    run_drain(project)
    skipped = receive(project, app_user_id="ada", event_type="TEST")
    run_drain(project)
    receive(other, app_user_id="ada")
    assert found(admin_client, q="ada-old") == {mine.pk, skipped.pk}
    assert listed(admin_client, "webhookevent", "ada-old") == {mine.webhook_event_id, skipped.webhook_event_id}
    assert listed(admin_client, "customer", "ada-old") == {Customer.objects.get(app_user_id="ada").pk}
    assert found(admin_client, q="ada-ol") == set()


def test_a_transaction_finds_its_event_and_the_first_one_all_of_its_subscription(
    admin_client: Client, project: Project
) -> None:
    first = receive(project, transaction_id="2000001", original_transaction_id="2000001")
    renewal = receive(project, transaction_id="2000002", original_transaction_id="2000001")
    receive(project)
    assert found(admin_client, q="2000001") == {first.pk, renewal.pk}
    assert found(admin_client, q="2000002") == {renewal.pk}
    assert listed(admin_client, "webhookevent", "2000001") == {first.webhook_event_id, renewal.webhook_event_id}


@pytest.mark.parametrize("odd", [7, None, ["a"], "", " ", "x" * 5_000])
def test_an_odd_transaction_id_keeps_no_event_out(project: Project, odd: object) -> None:
    delivery = receive(project, transaction_id=odd, original_transaction_id=odd)
    kept = WebhookEvent.objects.get(pk=delivery.webhook_event_id)
    assert kept.transaction_id == kept.original_transaction_id == ("x" * 255 if odd == "x" * 5_000 else "")


def request_id(delivery: Delivery) -> str:
    """Intercom's id of the last call."""
    return str(DeliveryAttempt.objects.filter(delivery=delivery).latest("pk").exchanges[-1]["request_id"])


@pytest.fixture
def two(project: Project, intercom: FakeIntercom) -> tuple[Delivery, Delivery]:
    """One that went well, one that failed."""
    well = receive(project, app_user_id="ada")
    run_drain(project)
    failed = receive(project, app_user_id="bo")
    intercom.inject(faults.error(422, "parameter_invalid", "No."))
    run_drain(project)
    return well, failed


def test_a_request_id_finds_the_delivery_that_it_was_for(admin_client: Client, two: tuple[Delivery, Delivery]) -> None:
    for delivery in two:
        assert found(admin_client, q=request_id(delivery)) == {delivery.pk}


def test_of_tries_that_went_well_the_newest_are_looked_through_and_the_page_says_so(
    admin_client: Client, two: tuple[Delivery, Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "NEWEST_TRIES", 1)
    well, failed = two
    assert found(admin_client, q=request_id(well)) == set()
    assert NOTE in text_of(admin_client.get(LIST, {"q": request_id(well)}))
    assert found(admin_client, q=request_id(failed)) == {failed.pk}
    for text in (request_id(failed), "ada", "someone@example.com"):
        assert NOTE not in text_of(admin_client.get(LIST, {"q": text})), text


@pytest.mark.parametrize(("role", "finds"), [("Viewer", False), ("Support", True)])
def test_who_may_not_see_calls_cannot_search_them(
    project: Project, two: tuple[Delivery, Delivery], role: str, finds: bool
) -> None:
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.set([Group.objects.get(name=role)])
    project.members.add(user)
    client = Client()
    client.force_login(user)
    for delivery in two:
        assert bool(found(client, q=request_id(delivery))) is finds


def test_nothing_of_other_projects_is_found_by_any_id(project: Project, other: Project, intercom: FakeIntercom) -> None:
    theirs = receive(
        other, app_user_id="ada", aliases=["ada", "ada-old"], transaction_id="1", original_transaction_id="2"
    )
    intercom.inject(faults.error(422, "parameter_invalid", "No."))
    run_drain(other)
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.set([Group.objects.get(name="Support")])
    project.members.add(user)
    client = Client()
    client.force_login(user)
    for text in ("ada", "ada-old", "1", "2", request_id(theirs)):
        assert found(client, q=text) == set()
        for model in ("webhookevent", "customer"):
            assert listed(client, model, text) == set()
