"""
One delivery: the timeline, the way to both products, Copy as curl, and Download as fixture.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from integration.admin.display import change_url
from integration.models import Customer, Delivery, DeliveryAttempt, Project, WebhookEvent
from integration.models.mapping_settings import Sandbox
from tests.admin.conftest import SignIn, delivery_url, text_of
from tests.factories import TOKEN, make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom, faults


def page_of(client: Client, delivery: Delivery) -> str:
    """The page, with runs of white space as one."""
    return " ".join(text_of(client.get(delivery_url(delivery.pk))).split())


def steps_of(client: Client, delivery: Delivery) -> list[str]:
    """What the timeline names, in its order."""
    response = client.get(delivery_url(delivery.pk))
    text_of(response)
    return [step.title for step in response.context["steps"]]


def commands_of(page: str) -> list[list[str]]:
    """The curl commands that can be copied, as a shell reads them."""
    return [shlex.split(html.unescape(one)) for one in re.findall(r'data-copy="(curl [^"]*)"', page)]


# --- The timeline ------------------------------------------------------------------------------------------------


def test_the_timeline_goes_from_the_webhook_to_the_end(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project)
    assert steps_of(admin_client, delivery) == ["Received", "Next try"]
    intercom.inject(faults.error(503, message="Busy"))
    run_drain(project)
    assert steps_of(admin_client, delivery) == ["Received", "Planned", "Attempt 1", "Next try"]
    run_drain(project, lambda: timezone.now() + timedelta(minutes=1))
    assert steps_of(admin_client, delivery) == ["Received", "Planned", "Attempt 1", "Attempt 2", "Settled"]
    page = page_of(admin_client, delivery)
    assert "It happened at 2026-01-01 00:00:00 UTC." in page and "To be sent as rc_renewal_event." in page


def test_a_skipped_one_was_planned_and_settled_without_a_try(admin_client: Client, project: Project) -> None:
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    assert steps_of(admin_client, delivery) == ["Received", "Planned", "Settled"]


def test_repeats_and_tries_that_are_left_out_are_said(
    admin_client: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integration.admin.delivery_page.MOST_ATTEMPTS", 2)
    delivery = receive(project)
    WebhookEvent.objects.update(repeats=2)
    for _ in range(5):
        DeliveryAttempt.objects.create(delivery=delivery, started_at=timezone.now(), finished_at=timezone.now())
    page = page_of(admin_client, delivery)
    assert "RevenueCat sent it 2 times more" in page and "The 3 oldest tries are not shown." in page
    assert steps_of(admin_client, delivery) == ["Received", "Earlier tries", "Attempt 4", "Attempt 5", "Next try"]


def test_what_went_wrong_last_is_open_and_the_rest_is_folded(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project)
    intercom.inject(faults.error(422, "parameter_invalid", "No such thing"), path="/events")
    run_drain(project)
    panels = admin_client.get(delivery_url(delivery.pk)).context["steps"]
    exchanges = [call for step in panels if step.attempt for call in step.attempt.exchanges]
    assert exchanges[-1].status == "422" and len(exchanges) > 1
    assert [call.opened for call in exchanges] == [call is exchanges[-1] for call in exchanges]


def test_times_are_exact_and_relative(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=3, minutes=5))
    assert "(3 hours ago)" in page_of(admin_client, delivery)


def test_a_viewer_sees_the_timeline_without_what_was_said(project: Project, sign_in: SignIn) -> None:
    delivery = receive(project)
    run_drain(project)
    client = sign_in("view_delivery")
    assert steps_of(client, delivery) == ["Received", "Planned", "Attempt 1", "Settled"]
    page = page_of(client, delivery)
    assert "/events" not in page and "data-copy=" not in page and "Download as fixture" not in page


# --- The way to both products ------------------------------------------------------------------------------------


def test_the_customer_is_linked_in_revenuecat_and_the_contact_in_intercom(
    admin_client: Client, project: Project
) -> None:
    Project.objects.update(revenuecat_project="proj1ab2c3d4", region="eu")
    delivery = receive(project, app_user_id="user/1")
    run_drain(project)
    page = page_of(admin_client, delivery)
    contact = Customer.objects.get().contact_id
    assert 'href="https://app.revenuecat.com/projects/1ab2c3d4/customers/user%2F1" target="_blank"' in page
    assert re.search(rf'href="https://app\.eu\.intercom\.com/a/apps/\w+/users/{contact}" target="_blank"', page)


def test_without_the_project_s_id_the_way_to_enter_it_is_shown_to_who_may(
    admin_client: Client, project: Project, sign_in: SignIn
) -> None:
    delivery = receive(project)
    assert "#id_revenuecat_project" in page_of(admin_client, delivery)
    assert "revenuecat_project" not in page_of(sign_in("view_delivery"), delivery)


def test_the_contact_is_linked_in_the_workspace_that_the_check_of_the_connection_found(
    admin_client: Client, project: Project
) -> None:
    delivery = receive(project)
    run_drain(project)
    Project.objects.update(workspace_id="ws0123")
    customer = Customer.objects.get()
    for page in (page_of(admin_client, delivery), text_of(admin_client.get(change_url(customer)))):
        assert f"/a/apps/ws0123/users/{customer.contact_id}" in page


def test_a_contact_of_another_workspace_is_not_linked(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    run_drain(project)
    Project.objects.update(intercom_token_changed_at=timezone.now() + timedelta(minutes=1))
    assert "Contact in Intercom" not in page_of(admin_client, delivery)


# --- Copy as curl ------------------------------------------------------------------------------------------------


def test_every_call_can_be_copied_as_curl_without_the_token(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    delivery = receive(project, app_user_id='it\'s "me"')
    run_drain(project)
    page = page_of(admin_client, delivery)
    calls = DeliveryAttempt.objects.get().exchanges
    commands = commands_of(page)
    assert len(commands) == len(calls) >= 2
    for command, call in zip(commands, calls, strict=True):
        assert command[0] == "curl" and f"{intercom.url}{call['path']}" in command
        assert "Authorization: Bearer $INTERCOM_TOKEN" in command
        sent = [json.loads(text) for name, text in pairwise(command) if name == "--data-raw"]
        assert sent == ([] if call["request"] is None else [call["request"]])
    assert TOKEN not in page


def test_what_was_only_logged_is_no_call_to_be_copied(admin_client: Client, project: Project) -> None:
    Project.objects.update(sandbox=Sandbox.LOG)
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    page = page_of(admin_client, delivery)
    assert "What would be sent" in page and "/events" in page and "Copy as curl" not in page


# --- Download as fixture -----------------------------------------------------------------------------------------


def fixture_url(delivery: Delivery) -> str:
    """The address of the file."""
    return f"/admin/integration/webhookevent/{delivery.webhook_event_id}/fixture/"


def test_the_fixture_is_a_webhook_without_the_person(admin_client: Client, project: Project, tmp_path: Path) -> None:
    email = {"$email": {"value": "ada@example.org", "updated_at_ms": 1}}
    delivery = receive(project, app_user_id="ada-1815", aliases=["ada-1815"], subscriber_attributes=email)
    assert fixture_url(delivery) in page_of(admin_client, delivery)
    response = admin_client.get(fixture_url(delivery))
    text = text_of(response)
    name = f"renewal-{delivery.webhook_event_id}-anonymised.json"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response.headers["Content-Type"] == "application/json"
    assert "ada-1815" not in text and "example.org" not in text and json.loads(text)["event"]["type"] == "RENEWAL"
    file = tmp_path / name
    file.write_text(text)
    out = StringIO()
    call_command("preview", str(file), project="Larkfield", stdout=out)
    assert "user_1" in out.getvalue() and "POST /events" in out.getvalue()


def test_the_fixture_is_for_who_may_read_payloads(project: Project, sign_in: SignIn) -> None:
    delivery = receive(project)
    client = sign_in("view_delivery", "view_webhookevent")
    assert client.get(fixture_url(delivery)).status_code == 403


def test_the_fixture_of_a_project_without_membership_is_not_found(project: Project, sign_in: SignIn) -> None:
    client = sign_in("view_delivery", "view_webhookevent", "view_payload")
    assert client.get(fixture_url(receive(project))).status_code == 200
    assert client.get(fixture_url(receive(make_project("Foreign")))).status_code == 404
    assert client.get("/admin/integration/webhookevent/nonsense/fixture/").status_code == 404


def test_a_sandbox_event_that_was_handed_over_does_not_lead_into_a_project_that_is_not_seen(
    project: Project, sign_in: SignIn
) -> None:
    other = make_project("Sandbox", sandbox=Sandbox.SEND)
    client = sign_in("view_delivery", "view_webhookevent", "view_payload")
    foreign = make_project("Foreign", sandbox=Sandbox.OTHER, sandbox_project=other)
    delivery = receive(foreign, environment="SANDBOX")
    run_drain(foreign)
    run_drain(other)
    page = page_of(client, delivery)
    assert "Handed over by the project that received it." in page
    assert "Download as fixture" not in page and "Foreign" not in page


@pytest.mark.parametrize("kind", ["TRIAL/../../x", "", "ÄÖÜ", 'a"b'])
def test_the_name_of_the_file_is_harmless(admin_client: Client, project: Project, kind: str) -> None:
    delivery = receive(project)
    WebhookEvent.objects.update(type=kind)
    header: Any = admin_client.get(fixture_url(delivery)).headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="[a-z0-9_]+-\d+-anonymised\.json"', header)
