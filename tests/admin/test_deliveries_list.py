"""
The list of deliveries: what a row says, the filters, the search, and redelivering what is selected.
"""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from integration.admin import counting, redeliver
from integration.models import Delivery, Project, WebhookEvent
from tests.admin.conftest import SignIn, text_of, was_rung
from tests.factories import make_project, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults

LIST = "/admin/integration/delivery/"


def found(client: Client, **query: str) -> set[int]:
    """The keys of the deliveries that the list shows for this query."""
    response = client.get(LIST, query)
    text_of(response)
    return {row.pk for row in response.context["cl"].result_list}


@pytest.fixture
def four(project: Project, intercom: FakeIntercom) -> dict[str, Delivery]:
    """One delivery in each state, of different customers."""
    made = {
        "delivered": receive(project, app_user_id="ada"),
        "skipped": receive(project, event_type="TEST", app_user_id="bo"),
    }
    run_drain(project)
    made["failed"] = receive(project, event_type="EXPIRATION", app_user_id="cy")
    intercom.inject(faults.error(422, "parameter_invalid", "No."))
    run_drain(project)
    made["pending"] = receive(project, app_user_id="dee", environment="SANDBOX")
    return {name: refreshed(delivery) for name, delivery in made.items()}


def test_a_row_says_what_of_whom_where_it_stands_and_why(admin_client: Client, four: dict[str, Delivery]) -> None:
    page = text_of(admin_client.get(LIST))
    for part in ("Delivered", "Skipped", "Failed", "Pending", "Renewal", "Expiration", "ada", "Larkfield"):
        assert part in page
    assert "Intercom answered 422: No." in page
    received = timezone.localtime(four["failed"].created_at)
    assert f'datetime="{four["failed"].created_at.isoformat()}"' in page and f"{received:%Y-%m-%d %H:%M:%S}" in page


def test_a_delivery_that_failed_before_is_shown_as_retrying_with_its_next_try(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(503), times=None)
    run_drain(project)
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=3))
    page = text_of(admin_client.get(LIST))
    due = timezone.localtime(refreshed(delivery).due_at)
    assert "Retrying" in page and f"{due:%Y-%m-%d %H:%M:%S}" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status__exact": "failed"}, {"failed"}),
        ({"status__exact": "pending"}, {"pending"}),
        ({"event_type": "expiration"}, {"failed"}),
        ({"event_type": "none"}, {"skipped", "pending"}),
        ({"environment": "SANDBOX"}, {"pending"}),
        ({"reason": "test_event"}, {"skipped"}),
        ({"status__exact": "delivered", "event_type": "renewal"}, {"delivered"}),
        ({}, {"delivered", "skipped", "failed", "pending"}),
    ],
)
def test_filters(admin_client: Client, four: dict[str, Delivery], query: dict[str, str], names: set[str]) -> None:
    assert found(admin_client, **query) == {four[name].pk for name in names}


def test_the_project_filter(admin_client: Client, four: dict[str, Delivery]) -> None:
    other = receive(make_project("Other"))
    assert found(admin_client, project__id__exact=str(other.project_id)) == {other.pk}


def test_the_time_filter_takes_dates_with_and_without_a_time(admin_client: Client, project: Project) -> None:
    old, new = receive(project), receive(project)
    noon = timezone.now().replace(hour=12, minute=0, second=0) - timedelta(days=10)
    Delivery.objects.filter(pk=old.pk).update(created_at=noon)
    day = f"{noon:%Y-%m-%d}"
    assert found(admin_client, created_at_from_0=day, created_at_to_0=day) == {old.pk}
    assert found(admin_client, created_at_to_0=day, created_at_to_1="11:59:59") == set()
    assert found(admin_client, created_at_from_0=day, created_at_from_1="12:30:00") == {new.pk}


@pytest.mark.parametrize("query", [{"created_at_from_0": "tomorrow"}, {"created_at_from_1": "12:00:00"}])
def test_a_time_that_is_none_is_said_and_ignored(
    admin_client: Client, four: dict[str, Delivery], query: dict[str, str]
) -> None:
    assert found(admin_client, **query) == {delivery.pk for delivery in four.values()}
    assert "is no date and time" in text_of(admin_client.get(LIST, query))


def test_search_finds_by_revenuecat_id_app_user_id_and_email_exactly(admin_client: Client, project: Project) -> None:
    email = {"$email": {"value": "ada@example.com", "updated_at_ms": 1}}
    mine = receive(project, app_user_id="Ada", subscriber_attributes=email)
    receive(project, app_user_id="ada")
    event_id = WebhookEvent.objects.get(pk=mine.webhook_event_id).event_id
    for term in (event_id, f" {event_id} ", "Ada", "ada@example.com", "ADA@example.com"):
        assert found(admin_client, q=term) == {mine.pk}, term
    for term in (event_id[:8], event_id.lower(), "ADA", "example.com", "%", "ada@example.com ada"):
        assert found(admin_client, q=term) == set(), term


def test_search_by_email_finds_the_customers_other_deliveries(admin_client: Client, project: Project) -> None:
    email = {"$email": {"value": "ada@example.com", "updated_at_ms": 1}}
    both = {receive(project, subscriber_attributes=email).pk, receive(project).pk}
    run_drain(project)
    run_drain(project)
    assert found(admin_client, q="ada@example.com") == both


def test_a_search_term_with_a_nul_is_no_error(admin_client: Client, project: Project) -> None:
    assert admin_client.get(LIST, {"q": "a\x00b"}).status_code == 200


def test_html_in_what_arrived_is_escaped(admin_client: Client, project: Project) -> None:
    evil = "<script>alert(1)</script>"
    receive(project, app_user_id=evil, type=evil, product_id=evil, environment=evil, store=evil)
    for url in (LIST, "/admin/integration/webhookevent/"):
        page = text_of(admin_client.get(url))
        assert evil not in page and "&lt;script&gt;alert(1)" in page


def test_the_count_stops_somewhere_and_says_so(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_COUNTED", 3)
    for _ in range(5):
        receive(project)
    page = text_of(admin_client.get(LIST))
    assert "More than 3 deliveries; narrow them down with the filters." in page


# --- Redeliver ------------------------------------------------------------------------------------------------


def select(client: Client, deliveries: list[Delivery], **more: Any) -> str:
    """Run the action on the selected rows."""
    chosen = [str(delivery.pk) for delivery in deliveries]
    answer = {"action": "redeliver_selected", "_selected_action": chosen, **more}
    return text_of(client.post(LIST, answer, follow=True))


def test_selected_deliveries_are_owed_again_and_their_projects_rung(
    admin_client: Client, four: dict[str, Delivery], project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    other = receive(make_project("Other"))
    with django_capture_on_commit_callbacks(execute=True):
        page = select(admin_client, [four["failed"], four["skipped"], other])
    assert "3 deliveries were handed to the worker again, to be sent with today&#x27;s settings." in page
    for delivery in (four["failed"], four["skipped"]):
        row = refreshed(delivery)
        assert (row.status, row.tries, row.explanation, row.reason) == ("pending", 0, "", "")
    assert was_rung(project) and was_rung(other.project)
    assert refreshed(four["delivered"]).status == "delivered"
    assert {entry.get_change_message() for entry in LogEntry.objects.all()} == {"Redelivered."}
    assert LogEntry.objects.count() == 3


def test_redelivering_really_sends_with_todays_settings(
    admin_client: Client, four: dict[str, Delivery], project: Project, intercom: FakeIntercom
) -> None:
    project.event_settings.create(event_type="expiration", custom_name="ended")
    select(admin_client, [four["failed"]])
    run_drain(project)
    row = refreshed(four["failed"])
    assert (row.status, row.event_name) == ("delivered", "ended")


def test_redelivering_for_a_held_project_says_that_it_waits(
    admin_client: Client, four: dict[str, Delivery], project: Project
) -> None:
    project.hold("Why.", timezone.now(), until=None)
    page = html.unescape(select(admin_client, [four["failed"]]))
    assert "1 delivery is owed again and waits: the project “Larkfield” is held." in page
    assert "handed to the worker" not in page


def test_what_can_be_sent_and_what_waits_are_said_apart(
    admin_client: Client, four: dict[str, Delivery], project: Project
) -> None:
    other = receive(make_project("Other", active=False))
    page = html.unescape(select(admin_client, [four["failed"], four["skipped"], other]))
    assert "2 deliveries were handed to the worker again" in page
    assert "1 delivery is owed again and waits: the project “Other” is switched off." in page


def test_everything_that_the_filter_finds_can_be_redelivered(
    admin_client: Client, four: dict[str, Delivery], project: Project
) -> None:
    page = select(admin_client, [four["failed"]], select_across="1")
    assert "4 deliveries were handed to the worker again" in page


def test_too_many_deliveries_at_once_are_refused(
    admin_client: Client, four: dict[str, Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redeliver, "MOST_COUNTED", 3)
    page = select(admin_client, [four["failed"]], select_across="1")
    assert "These are more than 3 deliveries." in page
    assert refreshed(four["failed"]).status == "failed"


def test_redelivering_needs_the_permission_to_change_deliveries(four: dict[str, Delivery], sign_in: SignIn) -> None:
    client = sign_in("view_delivery")
    page = select(client, [four["failed"]])
    assert "redeliver_selected" not in page
    assert refreshed(four["failed"]).status == "failed"


def test_with_the_permission_but_without_being_superuser_redelivering_works(
    four: dict[str, Delivery], sign_in: SignIn
) -> None:
    client = sign_in("view_delivery", "redeliver_delivery")
    assert "1 delivery was handed to the worker again" in select(client, [four["failed"]])
