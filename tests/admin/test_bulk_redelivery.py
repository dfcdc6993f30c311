"""
Redelivering all that a filter finds, in the admin: what is shown before, who may, how far it is, cancelling.
"""

from __future__ import annotations

import html
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from integration.admin import bulk_start
from integration.models import BulkRedelivery, Delivery, Project
from integration.redelivering import go_on
from tests.admin.conftest import act, text_of
from tests.admin.test_deliveries_list import LIST
from tests.admin.test_export import as_role
from tests.factories import make_project, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults

FAILED = "status__exact=failed"
STOP = threading.Event()


def add_url(query: str = FAILED) -> str:
    """The page that shows what would be redelivered."""
    return f"{reverse('admin:integration_bulkredelivery_add')}?{query}"


def shown(client: Client, query: str = FAILED) -> str:
    """Its text, on one line."""
    return html.unescape(" ".join(text_of(client.get(add_url(query))).split()))


def run_url(run: BulkRedelivery, page: str = "change") -> str:
    """The page of one that was begun, or an action on it."""
    return f"/admin/integration/bulkredelivery/{run.pk}/{page}/"


def begun(client: Client, query: str = FAILED) -> BulkRedelivery:
    """Press the button."""
    assert client.post(add_url(query)).status_code == 302
    return BulkRedelivery.objects.latest("pk")


@pytest.fixture
def failures(project: Project, intercom: FakeIntercom) -> list[Delivery]:
    """Three that failed, of two customers, and one that was skipped."""
    made = [receive(project, app_user_id=name) for name in ("ada", "ada", "bo")]
    intercom.inject(faults.error(422, "parameter_invalid", "No."), times=3)
    for _ in range(2):
        run_drain(project)
    receive(project, event_type="TEST")
    run_drain(project)
    return [refreshed(delivery) for delivery in made]


def test_the_list_leads_to_it_with_its_filters(admin_client: Client, failures: list[Delivery]) -> None:
    page = html.unescape(text_of(admin_client.get(LIST, {"status__exact": "failed", "p": "1"})))
    assert f'href="{add_url()}"' in page and "Redeliver all that match" in page


def test_it_says_what_would_be_sent_to_how_many_and_changes_nothing(
    admin_client: Client, failures: list[Delivery]
) -> None:
    page = shown(admin_client)
    for part in (
        "Redeliver 3 deliveries",
        "Status: Failed",
        "They are about 2 contacts in Intercom.",
        "3 would be sent",
    ):
        assert part in page, part
    assert "Tried out without sending anything:" in page and "original times" in page


def test_a_customer_of_two_projects_is_two_contacts(admin_client: Client, failures: list[Delivery]) -> None:
    receive(make_project("Other"), app_user_id=failures[0].app_user_id)
    Delivery.objects.filter(project__name="Other").update(status="failed", due_at=None, finished_at=timezone.now())
    assert "They are about 3 contacts in Intercom." in shown(admin_client)
    assert not BulkRedelivery.objects.exists() and {one.status for one in failures} == {"failed"}


def test_the_dry_run_says_what_todays_settings_skip_again(
    admin_client: Client, failures: list[Delivery], project: Project
) -> None:
    project.event_settings.create(event_type="renewal", enabled=False)
    page = shown(admin_client, "state=unsent")
    assert "Redeliver 4 deliveries" in page and "1 would be skipped: Test event" in page


def test_of_many_only_some_are_tried_out_and_the_count_stops(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_start, "LOOKED_AT", 1)
    monkeypatch.setattr(bulk_start, "MOST_COUNTED", 2)
    for number in range(4):
        receive(project, app_user_id=f"user-{number}")
    page = shown(admin_client, "status__exact=pending")
    for part in ("Redeliver more than 2 deliveries", "at least 3 contacts", "Tried out with 2 of them"):
        assert part in page, part


def test_everything_failed_or_skipped_since_a_day_is_a_form_away(
    admin_client: Client, failures: list[Delivery]
) -> None:
    old = failures[0]
    Delivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=9))
    page = shown(admin_client, "")
    assert "Everything failed or skipped since" in page and "Redeliver 3" not in page
    day = f"{timezone.now() - timedelta(days=3):%Y-%m-%d}"
    query = f"state=unsent&status__exact=&project__id__exact=&created_at_from_0={day}&created_at_from_1=00%3A00"
    page = shown(admin_client, query)
    assert "Redeliver 3 deliveries" in page and f"Received from: {day} 00:00:00 UTC" in page


def test_the_form_names_the_time_zone_and_keeps_what_was_chosen(
    admin_client: Client, failures: list[Delivery], project: Project
) -> None:
    admin_client.cookies["time_zone"] = "Asia/Kolkata"
    assert "In the time zone Asia/Kolkata (UTC+0530)." in shown(admin_client, "")
    query = "state=unsent&status__exact=failed&created_at_from_0=2026-01-02&created_at_from_1=03%3A04"
    page = shown(admin_client, f"{query}&project__id__exact={project.pk}")
    assert "Received from: 2026-01-02 03:04:00 IST" in page
    assert 'value="2026-01-02"' in page and 'value="03:04"' in page
    assert '<option value="failed" selected>' in page and f'<option value="{project.pk}" selected>' in page


def test_a_single_delivery_is_spoken_of_as_one(admin_client: Client, project: Project) -> None:
    receive(project)
    assert ">Redeliver 1 delivery<" in shown(admin_client, "status__exact=pending")
    run = begun(admin_client, "status__exact=pending")
    assert "0 of 1 delivery was handed to the worker again" in text_of(admin_client.get(run_url(run)))
    BulkRedelivery.objects.update(redelivered=1)
    act(admin_client, run_url(run, "cancel"))
    assert "Cancelled: 1 delivery is sent again." in text_of(admin_client.get(run_url(run)))
    said = [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]
    assert said == ["Bulk redelivery of 1 delivery started: Status: Pending.", "Cancelled after 1 delivery."]


def test_a_held_project_is_said_to_wait(admin_client: Client, failures: list[Delivery], project: Project) -> None:
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    assert "“Larkfield” is held: Intercom answered 401." in shown(admin_client)
    run = begun(admin_client)
    assert "is held" in text_of(admin_client.get(run_url(run)))


def test_confirming_it_starts_it_rings_for_it_and_is_in_the_audit_trail(
    failures: list[Delivery], project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    client = as_role("Support", project)
    with django_capture_on_commit_callbacks(execute=True):
        run = begun(client)
    assert ProcrastinateJob.objects.filter(queueing_lock=f"redeliver:{run.pk}", status="todo").exists()
    assert (run.expected, run.is_exact, run.redelivered, list(run.projects.all())) == (3, True, 0, [project])
    entry = LogEntry.objects.get(object_id=str(run.pk))
    assert entry.user.get_username() == "Support"
    assert entry.get_change_message() == "Bulk redelivery of 3 deliveries started: Status: Failed."


def test_its_page_tells_how_far_it_is_and_the_end(
    admin_client: Client, failures: list[Delivery], project: Project, intercom: FakeIntercom
) -> None:
    run = begun(admin_client)
    page = text_of(admin_client.get(run_url(run)))
    assert "0 of 3 deliveries were handed to the worker again" in page and "data-progress=" in page
    go_on(run, stop=STOP)
    answer = admin_client.get(run_url(run, "progress")).json()
    assert answer == {"percent": 100, "said": "3 of 3 deliveries were handed to the worker again", "over": True}
    assert "data-progress=" not in text_of(admin_client.get(run_url(run)))
    assert {refreshed(one).status for one in failures} == {"pending"}
    run_drain(project)
    run_drain(project)
    assert {refreshed(one).status for one in failures} == {"delivered"}
    assert "Status: Failed" in text_of(admin_client.get("/admin/integration/bulkredelivery/"))


def test_it_can_be_cancelled_and_redelivers_no_more(
    admin_client: Client, failures: list[Delivery], project: Project
) -> None:
    run = begun(admin_client)
    assert run_url(run, "cancel") in text_of(admin_client.get(run_url(run)))
    act(admin_client, run_url(run, "cancel"))
    run.refresh_from_db()
    go_on(run, stop=STOP)
    assert {refreshed(one).status for one in failures} == {"failed"}
    assert LogEntry.objects.latest("pk").get_change_message() == "Cancelled after 0 deliveries."
    assert run_url(run, "cancel") not in text_of(admin_client.get(run_url(run)))
    act(admin_client, run_url(run, "cancel"))
    assert LogEntry.objects.filter(object_id=str(run.pk)).count() == 2
    assert "It was cancelled at " in text_of(admin_client.get(run_url(run)))


def test_one_that_has_ended_just_before_it_is_cancelled_is_said_to_be_finished(
    admin_client: Client, failures: list[Delivery]
) -> None:
    run = begun(admin_client)
    assert "Stop redelivering" in text_of(admin_client.get(run_url(run, "cancel")))
    go_on(run, stop=STOP)
    page = text_of(admin_client.post(run_url(run, "cancel"), {"_form_submitted": "True"}, follow=True))
    assert "It was finished at " in page and "There was nothing left to cancel." in page
    assert page.count("3 of 3 deliveries were handed to the worker again") >= 2
    run.refresh_from_db()
    assert run.cancelled_at is None and LogEntry.objects.filter(object_id=str(run.pk)).count() == 1


def test_whom_a_search_was_about_is_not_kept_longer_than_needed(admin_client: Client, failures: list[Delivery]) -> None:
    run = begun(admin_client, "q=ada")
    assert run.filter["text"] == "ada" and "ada" not in run.words
    go_on(run, stop=STOP)
    run.refresh_from_db()
    assert run.redelivered == 2 and run.finished_at and "text" not in run.filter
    assert not [entry for entry in LogEntry.objects.all() if "ada" in entry.change_message]


@pytest.mark.parametrize("query", ["payload__icontains=x", "project__id__exact=1", "created_at_from_0=tomorrow"])
def test_an_address_that_means_nothing_redelivers_nothing(
    admin_client: Client, failures: list[Delivery], query: str
) -> None:
    for response in (admin_client.get(add_url(query)), admin_client.post(add_url(query))):
        assert response.status_code == 302
    assert not BulkRedelivery.objects.exists()


@pytest.mark.parametrize("query", ["", "status__exact=failed&q=nobody"])
def test_nothing_chosen_or_found_starts_nothing(admin_client: Client, failures: list[Delivery], query: str) -> None:
    assert admin_client.post(add_url(query)).status_code == 200
    assert not BulkRedelivery.objects.exists()


def test_a_second_click_begins_nothing_while_the_first_one_is_under_way(
    admin_client: Client, failures: list[Delivery]
) -> None:
    first = begun(admin_client)
    again = admin_client.post(add_url(), follow=True)
    assert again.redirect_chain[-1][0] == run_url(first) and "You have begun this already" in text_of(again)
    assert BulkRedelivery.objects.count() == LogEntry.objects.count() == 1
    assert begun(admin_client, "state=unsent") != first, "another filter is another one"
    act(admin_client, run_url(first, "cancel"))
    assert begun(admin_client).pk > first.pk, "and so is one after the end"


def test_only_rows_of_visible_projects_are_counted_and_redelivered(
    failures: list[Delivery], project: Project, intercom: FakeIntercom
) -> None:
    foreign = make_project("Foreign")
    theirs = receive(foreign)
    intercom.inject(faults.error(422, "parameter_invalid", "No."))
    run_drain(foreign)
    client = as_role("Support", project)
    assert "Redeliver 3 deliveries" in shown(client) and "Foreign" not in shown(client)
    of_theirs = text_of(client.get(add_url(f"{FAILED}&project__id__exact={foreign.pk}"), follow=True))
    assert "There is no such project." in of_theirs and "Foreign" not in of_theirs
    go_on(begun(client), stop=STOP)
    assert refreshed(theirs).status == "failed" and refreshed(failures[0]).status == "pending"


def test_how_a_project_that_is_not_seen_would_send_what_is_handed_over_is_not_said(project: Project) -> None:
    receive(project, environment="SANDBOX")
    run_drain(project)
    other = make_project("Foreign", sandbox="skip")
    Project.objects.filter(pk=project.pk).update(sandbox="other", sandbox_project=other)
    client, skipped = as_role("Support", project), "status__exact=skipped"
    assert "1 handed over to a project that you do not see" in shown(client, skipped)
    assert "skipped: Sandbox" not in shown(client, skipped) and "Foreign" not in shown(client, skipped)
    other.members.add(User.objects.get(username="Support"))
    assert "1 would be skipped: Sandbox" in shown(client, skipped)


def test_one_that_touches_a_project_which_somebody_does_not_see_is_not_theirs_to_see(
    admin_client: Client, failures: list[Delivery], project: Project
) -> None:
    receive(make_project("Foreign"))
    run = begun(admin_client, "status__exact=failed")
    client = as_role("Support", project)
    for page in ("change", "progress", "cancel", "history"):
        assert client.get(run_url(run, page)).status_code in {403, 404}, page
    assert client.get("/admin/integration/bulkredelivery/").context["cl"].result_count == 0
    mine = begun(client)
    assert client.get(run_url(mine)).status_code == 200


def test_who_may_not_redeliver_may_not_do_this(failures: list[Delivery], project: Project) -> None:
    client = as_role("Viewer", project)
    assert "Redeliver" not in text_of(client.get(LIST))
    for response in (client.get(add_url()), client.post(add_url()), client.get("/admin/integration/bulkredelivery/")):
        assert response.status_code == 403
    user = User.objects.get(username="Viewer")
    user.groups.set([Group.objects.get(name="Integration admin")])
    assert client.get(add_url()).status_code == 200
