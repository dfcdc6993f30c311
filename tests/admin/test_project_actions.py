"""
The buttons of the settings page: check the connection, rotate the Authorization value, resume.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from integration.admin.connection import CheckLevel, check_connection
from integration.models import Project
from integration.models.secrets import Secret
from tests.admin.conftest import SignIn, act, project_url, text_of, was_rung
from tests.factories import AUTHORIZATION, TOKEN, make_project, receive
from tests.fake_intercom import FakeIntercom, faults

# --- Check connection ---------------------------------------------------------------------------------------


def test_the_check_names_the_workspace_and_the_region(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    intercom.name = "Larkfield & Sons"
    assert act(admin_client, project_url(project, "check_connection")).headers["Location"] == project_url(project)
    page = text_of(admin_client.get(project_url(project)))
    assert escape(f"Connected to the workspace “Larkfield & Sons” (id {intercom.id_code}), region US.") in page
    assert intercom.ledger[0].line == "GET /me" and not intercom.contacts
    assert TOKEN not in page


def test_opening_the_dialog_calls_nobody(admin_client: Client, project: Project, intercom: FakeIntercom) -> None:
    assert "Check now" in text_of(admin_client.get(project_url(project, "check_connection")))
    assert intercom.ledger == []


@pytest.mark.parametrize(
    ("answered", "chosen", "level"),
    [
        ("US", "us", CheckLevel.SUCCESS),
        ("Europe", "eu", CheckLevel.SUCCESS),
        ("AU", "au", CheckLevel.SUCCESS),
        ("Europe", "us", CheckLevel.WARNING),
        ("US", "eu", CheckLevel.WARNING),
        ("Atlantis", "us", CheckLevel.WARNING),
    ],
)
def test_the_check_compares_the_region(
    project: Project, intercom: FakeIntercom, answered: str, chosen: str, level: CheckLevel
) -> None:
    intercom.region, project.region = answered, chosen
    check = check_connection(project, timezone.now())
    assert check.level is level
    if answered == "Europe" and chosen == "us":
        assert "this project's region is set to United States" in check.message
        assert "Set “Region” to Europe" in check.advice


def _refused(intercom: FakeIntercom) -> None:
    intercom.accepted_tokens = ["another"]


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (_refused, "Intercom refused the access token."),
        (lambda it: it.inject(faults.error(403, "action_forbidden")), "Intercom knows the token, but does not allow"),
        (lambda it: it.inject(faults.error(429, "rate_limit_exceeded")), "used up its calls for the moment"),
        (lambda it: it.inject(faults.error(503)), "could not be reached. Intercom answered 503"),
        (lambda it: it.inject(faults.html(200)), "with something that is not JSON"),
        (lambda it: it.inject(faults.empty(200)), "with something that is not JSON"),
        (lambda it: it.inject(faults.error(404, "not_found")), "does not answer as Intercom does"),
        (lambda it: it.inject(faults.redirect("https://elsewhere.invalid/")), "Redirects are never followed"),
        (lambda it: it.inject(faults.close_unanswered(), times=None), "the connection was refused or broke off"),
        (lambda it: it.inject(faults.hang(5), times=None), "the answer took too long"),
    ],
)
def test_the_check_says_what_is_wrong_in_plain_words(
    project: Project, intercom: FakeIntercom, arrange: Callable[[FakeIntercom], Any], said: str
) -> None:
    arrange(intercom)
    check = check_connection(project, timezone.now(), seconds=1)
    assert check.level is CheckLevel.ERROR and said in check.message and check.advice
    assert TOKEN not in check.message + check.advice


def test_the_check_says_that_nothing_listens(admin_client: Client, project: Project, intercom: FakeIntercom) -> None:
    with intercom.refusing_connections():
        act(admin_client, project_url(project, "check_connection"))
    assert f"{intercom.url} could not be reached." in text_of(admin_client.get(project_url(project)))


def test_the_check_says_that_the_answer_is_not_intercoms(project: Project, settings: Any) -> None:
    with FakeIntercom() as other:
        # An answer that is JSON, but names no workspace: the control endpoint of a stand-in.
        settings.INTERCOM_API_URL = f"{other.url}/_fake/reset?x="
        check = check_connection(project, timezone.now())
    assert check.level is CheckLevel.ERROR


def test_the_check_says_that_the_token_is_missing_or_unreadable(project: Project, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert "cannot be read" in check_connection(project, timezone.now()).message
    project.intercom_token = Secret("")
    assert "No access token is stored" in check_connection(project, timezone.now()).message


def test_a_check_that_succeeds_reminds_of_a_hold(project: Project) -> None:
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    assert "The project is held: resume it" in check_connection(project, timezone.now()).advice


# --- Rotate -------------------------------------------------------------------------------------------------


def test_rotating_makes_a_new_value_and_keeps_the_old_one_for_a_while(admin_client: Client, project: Project) -> None:
    assert 'value="24"' in text_of(admin_client.get(project_url(project, "rotate_authorization")))
    now = timezone.now()
    response = act(admin_client, project_url(project, "rotate_authorization"), hours=48)
    assert response.headers["Location"] == project_url(project)
    project.refresh_from_db()
    assert project.authorization.reveal() != AUTHORIZATION
    assert project.admits(AUTHORIZATION, now + timedelta(hours=47))
    assert not project.admits(AUTHORIZATION, now + timedelta(hours=49))
    page = text_of(admin_client.get(project_url(project)))
    assert "the old value stays valid until" in page and project.authorization.reveal() in page
    message = LogEntry.objects.get().get_change_message()
    assert "Authorization value rotated" in message and project.authorization.reveal() not in message


def test_rotating_without_an_overlap_ends_the_old_value_at_once(admin_client: Client, project: Project) -> None:
    act(admin_client, project_url(project, "rotate_authorization"), hours=0)
    project.refresh_from_db()
    assert not project.admits(AUTHORIZATION, timezone.now())
    assert "the old value is void at once" in text_of(admin_client.get(project_url(project)))


@pytest.mark.parametrize("hours", ["", "-1", "721", "soon"])
def test_an_overlap_out_of_bounds_is_refused_in_the_dialog(admin_client: Client, project: Project, hours: str) -> None:
    page = text_of(act(admin_client, project_url(project, "rotate_authorization"), hours=hours))
    assert "errors" in page
    project.refresh_from_db()
    assert project.authorization.reveal() == AUTHORIZATION


def test_an_unreadable_value_is_replaced_and_does_not_stand_in_the_way(
    admin_client: Client, project: Project, settings: Any
) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    act(admin_client, project_url(project, "rotate_authorization"), hours=24)
    project.refresh_from_db()
    assert project.admits(project.authorization.reveal(), timezone.now())


def test_opening_the_rotate_dialog_changes_nothing(admin_client: Client, project: Project) -> None:
    admin_client.get(project_url(project, "rotate_authorization") + "?hours=0&_form_submitted=True")
    project.refresh_from_db()
    assert project.authorization.reveal() == AUTHORIZATION


def test_a_dialog_sends_the_browser_back_through_htmx(admin_client: Client, project: Project) -> None:
    url = project_url(project, "rotate_authorization")
    response = admin_client.post(url, {"_form_submitted": "True", "hours": 1}, headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"] == project_url(project)


# --- Resume -------------------------------------------------------------------------------------------------


def test_resuming_lifts_the_hold_and_rings(
    admin_client: Client, project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    with django_capture_on_commit_callbacks(execute=True):
        act(admin_client, project_url(project, "resume"))
    project.refresh_from_db()
    assert project.held_at is None and was_rung(project)
    assert LogEntry.objects.get().get_change_message() == "Resumed. It was held: Intercom answered 401."
    assert "Resumed “Larkfield”" in text_of(admin_client.get(project_url(project)))


def test_selected_projects_are_resumed_together(
    admin_client: Client, project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    others = [make_project(f"Other {number}") for number in range(2)]
    for held in (project, others[0]):
        held.hold("Why.", timezone.now(), until=None)
    chosen = [str(row.pk) for row in (project, *others)]
    with django_capture_on_commit_callbacks(execute=True):
        answer = {"action": "resume_selected", "_selected_action": chosen}
        page = text_of(admin_client.post("/admin/integration/project/", answer, follow=True))
    assert "Resumed “Larkfield”, “Other 0”" in page
    assert [was_rung(row) for row in (project, *others)] == [True, True, False]
    assert not Project.objects.exclude(held_at=None).exists()


def test_resuming_what_is_not_held_says_so(admin_client: Client, project: Project) -> None:
    act(admin_client, project_url(project, "resume"))
    assert "There was nothing to resume" in text_of(admin_client.get(project_url(project)))


@pytest.mark.parametrize("action", ["check_connection", "rotate_authorization", "resume"])
def test_actions_need_the_permission_to_change_projects(project: Project, sign_in: SignIn, action: str) -> None:
    receive(project)
    client = sign_in("view_project")
    assert client.get(project_url(project, action)).status_code == 403
    assert act(client, project_url(project, action), hours=1).status_code == 403


@pytest.mark.parametrize("action", ["check_connection", "rotate_authorization", "resume"])
def test_actions_on_a_project_that_is_gone_answer_404(admin_client: Client, project: Project, action: str) -> None:
    url = project_url(project, action)
    project.delete()
    assert act(admin_client, url, hours=1).status_code == 404


def test_dialogs_refuse_a_post_without_the_csrf_token(admin_user: Any, project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert act(client, project_url(project, "rotate_authorization"), hours=0).status_code == 403
