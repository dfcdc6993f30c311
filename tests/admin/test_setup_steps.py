"""
The steps on a project's page: their states as they come about, what is said, and who sees which part of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from integration.inquiry.connection import check_and_remember
from integration.intercom.workspace import Found, Verdict
from integration.models import EventSetting, Project
from integration.models.secrets import Secret
from integration.revenuecat.samples import TEST_PREFIX
from integration.setting_up import StepName
from tests.admin.conftest import SignIn, act, project_url, save, text_of
from tests.factories import AUTHORIZATION, TOKEN, make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom, faults

DONE, ATTENTION, TO_DO, WRONG = "Done", "Attention", "To do", "Wrong"


def panel(client: Client, project: Project) -> dict[str, Any]:
    """What the page's steps are made of."""
    found: dict[str, Any] = client.get(project_url(project)).context["setup"]
    return found


def step(client: Client, project: Project, name: StepName) -> Any:
    """One step as it is shown."""
    return next(one for one in panel(client, project)["steps"] if one.name == name)


def state(client: Client, project: Project, name: StepName) -> str:
    """The word for its state."""
    return next(word for word in (DONE, ATTENTION, TO_DO, WRONG) if word in step(client, project, name).state)


def checked(project: Project, verdict: Verdict = Verdict.FITS, **found: Any) -> None:
    """As if the connection had been checked just now."""
    kept = Found(verdict, "Larkfield", "demo1234", "US", **found).to_json()
    Project.objects.filter(pk=project.pk).update(
        connection=kept, connection_checked_at=timezone.now(), workspace_id="demo1234"
    )


# --- The way from nothing to green --------------------------------------------------------------------------


def test_the_first_project_is_added_and_its_page_leads_on(admin_client: Client, db: None, settings: Any) -> None:
    settings.PUBLIC_URL = "https://hooks.example.com"
    add = "/admin/integration/project/add/"
    assert "Add your first project" in text_of(admin_client.get(add))
    answer = {"name": "New", "new_intercom_token": TOKEN, "region": "us", "sandbox": "skip"}
    page = text_of(admin_client.post(add, answer, follow=True))
    assert "Set up in four steps" in page and "The steps below lead through the rest." in page
    project = Project.objects.get()
    states = [state(admin_client, project, name) for name in StepName]
    assert states == [TO_DO, TO_DO, DONE, TO_DO]
    assert [one.opened for one in panel(admin_client, project)["steps"]] == [True, False, False, False]
    assert "Add your first project" not in text_of(admin_client.get(add))


def test_when_all_is_done_the_steps_are_one_line(
    admin_client: Client, project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    act(admin_client, project_url(project, "check_connection"))
    headers = {"Authorization": AUTHORIZATION}
    with django_capture_on_commit_callbacks(execute=True):
        body = {"event": {"id": "1", "type": "TEST"}}
        path = project.webhook_url.removeprefix("https://hooks.example.com")
        assert Client().post(path, body, content_type="application/json", headers=headers).status_code == 200
    act(admin_client, project_url(project, "send_test"), sample="renewal", app_user_id="me")
    assert not panel(admin_client, project)["green"]
    run_drain(project)
    page = text_of(admin_client.get(project_url(project)))
    assert "Set up: token, webhook, events and test are done." in page and "Set up in four steps" not in page
    # Folded, and still there to be copied.
    assert f'data-copy="{AUTHORIZATION}"' in page


# --- 1 Intercom token -----------------------------------------------------------------------------------------


def test_a_check_is_kept_with_its_time(admin_client: Client, project: Project, intercom: FakeIntercom) -> None:
    act(admin_client, project_url(project, "check_connection"))
    page = text_of(admin_client.get(project_url(project)))
    assert escape(f"Connected to the workspace “{intercom.name}” (id {intercom.id_code}), region US.") in page
    project.refresh_from_db()
    assert project.workspace_id == intercom.id_code and project.connection_checked_at
    shown = step(admin_client, project, StepName.TOKEN)
    assert DONE in shown.state and "Checked at" in shown.sentence


def test_the_dialog_brings_the_steps_along_so_that_nothing_entered_is_lost(
    admin_client: Client, project: Project
) -> None:
    url = project_url(project, "check_connection")
    page = text_of(admin_client.post(url, {"_form_submitted": "True"}, headers={"HX-Request": "true"}))
    assert 'id="dialog-form"' in page and "Connected to the workspace" in page
    assert 'id="setup"' in page and 'hx-swap-oob="true"' in page


@pytest.mark.parametrize(
    ("arrange", "expected", "said"),
    [
        (lambda it: setattr(it, "region", "Europe"), WRONG, "this project's region is set to United States"),
        (lambda it: setattr(it, "accepted_tokens", ["another"]), WRONG, "Intercom refused the access token."),
        (
            lambda it: it.inject(faults.error(403, "forbidden"), path="/events", times=None),
            WRONG,
            "it may not “Write events”",
        ),
        (
            lambda it: it.inject(faults.error(403, "api_plan_restricted"), times=None),
            WRONG,
            "the plan of the workspace does not allow the call",
        ),
        (lambda it: it.inject(faults.error(503), times=None), TO_DO, "could not be reached"),
    ],
)
def test_what_is_wrong_with_the_token_stays_on_the_page(
    admin_client: Client,
    project: Project,
    intercom: FakeIntercom,
    arrange: Callable[[Any], Any],
    expected: str,
    said: str,
) -> None:
    arrange(intercom)
    act(admin_client, project_url(project, "check_connection"))
    shown = step(admin_client, project, StepName.TOKEN)
    assert expected in shown.state and said in shown.sentence


@pytest.mark.parametrize("changes", [{"new_intercom_token": "another"}, {"region": "au"}])
def test_another_token_or_region_is_to_be_checked_anew(
    admin_client: Client, project: Project, changes: dict[str, str]
) -> None:
    checked(project)
    save(admin_client, project_url(project), **changes)
    assert state(admin_client, project, StepName.TOKEN) == TO_DO
    project.refresh_from_db()
    assert project.connection is None and project.workspace_id == ""


def test_a_check_of_a_token_that_was_replaced_meanwhile_is_not_kept(project: Project, intercom: FakeIntercom) -> None:
    from_before = Project.objects.get(pk=project.pk)
    project.replace_intercom_token("another", timezone.now())
    project.save()
    assert check_and_remember(from_before, timezone.now()).verdict is Verdict.FITS
    project.refresh_from_db()
    assert project.connection is None and project.workspace_id == ""


def test_a_hold_that_is_newer_than_the_check_makes_the_step_wrong(admin_client: Client, project: Project) -> None:
    checked(project)
    project.refresh_from_db()
    project.hold("Intercom answered 401.", timezone.now() + timedelta(seconds=1), until=None)
    shown = step(admin_client, project, StepName.TOKEN)
    assert WRONG in shown.state and "Intercom answered 401." in shown.sentence and "Resume" in shown.sentence


# --- 2 Webhook ------------------------------------------------------------------------------------------------


def test_the_step_of_the_webhook_says_when_one_was_noted(admin_client: Client, project: Project) -> None:
    assert "No webhook has arrived yet." in step(admin_client, project, StepName.WEBHOOK).sentence
    Project.objects.update(webhook_seen_at=timezone.now())
    assert state(admin_client, project, StepName.WEBHOOK) == DONE


def test_an_address_that_revenuecat_cannot_post_to_is_said_and_is_not_green(
    admin_client: Client, project: Project, settings: Any
) -> None:
    settings.PUBLIC_URL = "http://rc.example.com"
    for seen_at, said in ((None, "No webhook has arrived"), (timezone.now(), "Webhooks arrive with the right")):
        Project.objects.update(webhook_seen_at=seen_at)
        shown = step(admin_client, project, StepName.WEBHOOK)
        assert ATTENTION in shown.state and said in shown.sentence
        assert "begins with http://" in shown.sentence and "set PUBLIC_URL on this server" in shown.sentence


def test_a_rotation_asks_for_the_new_value(admin_client: Client, project: Project) -> None:
    Project.objects.update(webhook_seen_at=timezone.now())
    act(admin_client, project_url(project, "rotate_authorization"), hours=2)
    shown = step(admin_client, project, StepName.WEBHOOK)
    assert TO_DO in shown.state and "No webhook has arrived with the new Authorization value." in shown.sentence


def test_history_and_tests_are_no_webhook(admin_client: Client, project: Project) -> None:
    receive(project)
    assert state(admin_client, project, StepName.WEBHOOK) == TO_DO


# --- 3 Events -------------------------------------------------------------------------------------------------


def test_names_are_counted_over_all_projects_of_the_workspace(admin_client: Client, project: Project) -> None:
    assert "10 event names are sent;" in step(admin_client, project, StepName.EVENTS).sentence
    other = make_project("Other", custom_types={f"TYPE_{number}": f"name_{number}" for number in range(111)})
    for one in (project, other):
        checked(one)
    shown = step(admin_client, project, StepName.EVENTS)
    assert WRONG in shown.state and "121 event names are used in this workspace" in shown.sentence
    # Another workspace has room of its own.
    Project.objects.filter(pk=other.pk).update(workspace_id="elsewhere")
    assert state(admin_client, project, StepName.EVENTS) == DONE


def test_names_that_clash_make_the_step_wrong(admin_client: Client, project: Project) -> None:
    EventSetting.objects.create(project=project, event_type="renewal", custom_name="spun")
    Project.objects.update(custom_types={"SPIN": "Spun"})
    shown = step(admin_client, project, StepName.EVENTS)
    assert WRONG in shown.state and "could not tell apart" in shown.sentence


# --- 4 Test ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected", "said"),
    [
        ({}, DONE, "The newest test was delivered."),
        ({"environment": "SANDBOX"}, TO_DO, "“Sandbox events” are skipped in this project's settings."),
        ({"app_user_id": None, "aliases": []}, TO_DO, "names no customer"),
    ],
)
def test_the_step_of_the_test_says_what_became_of_the_newest(
    admin_client: Client, project: Project, fields: dict[str, Any], expected: str, said: str
) -> None:
    receive(project, id=f"{TEST_PREFIX}1", **fields)
    Project.objects.update(test_event_id=f"{TEST_PREFIX}1")
    assert "waits to be sent" in step(admin_client, project, StepName.TEST).sentence
    run_drain(project)
    shown = step(admin_client, project, StepName.TEST)
    assert expected in shown.state and said in shown.sentence


def test_a_test_that_failed_says_why(admin_client: Client, project: Project, intercom: FakeIntercom) -> None:
    intercom.inject(faults.error(422, message="Cannot have more than 120 active event names"), path="/events")
    receive(project, id=f"{TEST_PREFIX}1")
    Project.objects.update(test_event_id=f"{TEST_PREFIX}1")
    run_drain(project)
    shown = step(admin_client, project, StepName.TEST)
    assert WRONG in shown.state and "120 active event names" in shown.sentence


def test_real_events_that_are_delivered_do_too(admin_client: Client, project: Project) -> None:
    receive(project)
    run_drain(project)
    shown = step(admin_client, project, StepName.TEST)
    assert DONE in shown.state and "Events are delivered; the last one at" in shown.sentence


# --- Who sees what ----------------------------------------------------------------------------------------------


def test_who_may_only_look_sees_the_states_and_no_value_and_no_button(project: Project, sign_in: SignIn) -> None:
    checked(project)
    client = sign_in("view_project")
    page = text_of(client.get(project_url(project)))
    assert "Set up in four steps" in page and "Connected to the workspace" in page
    assert AUTHORIZATION not in page and project.webhook_url not in page
    for name in ("check_connection", "rotate_authorization", "send_test", "give_access"):
        assert project_url(project, name) not in page


def test_no_step_shows_a_secret(admin_client: Client, project: Project) -> None:
    project.signing_secret = Secret.of("signing-secret-for-tests")
    project.save()
    checked(project, Verdict.REFUSED, said="Access Token Invalid")
    page = text_of(admin_client.get(project_url(project)))
    assert TOKEN not in page and "signing-secret-for-tests" not in page
