"""
Whatever somebody does in the admin leaves a line that says who, what and when, and never a secret.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from integration.models import Project
from tests.admin.conftest import SignIn, act, delivery_url, project_url, save, text_of
from tests.factories import AUTHORIZATION, SIGNING_SECRET, TOKEN, receive, run_drain

NEW_TOKEN = "dG9rOmFub3RoZXItdG9rZW4tOTg3NjU0MzIxMA=="
PASSWORD = "correct horse battery staple"


@pytest.fixture
def operator(project: Project, sign_in: SignIn) -> Client:
    """A member who may do everything that a role allows."""
    return sign_in("view_project", "add_project", "change_project", "view_delivery", "redeliver_delivery")


def line_of(user: str, target: Any) -> LogEntry:
    """The one line there is about `target`, which this person must have left just now."""
    entry = LogEntry.objects.get(object_id=str(target.pk))
    assert entry.user.get_username() == user
    assert timezone.now() - entry.action_time < timedelta(minutes=1)
    return entry


def assert_no_secret() -> None:
    """No line of the audit trail holds a secret, not even encrypted."""
    said = "\n".join(f"{entry.object_repr} {entry.change_message}" for entry in LogEntry.objects.all())
    secrets = {TOKEN, NEW_TOKEN, SIGNING_SECRET, AUTHORIZATION, PASSWORD, "gAAAA", "pbkdf2", "md5$"}
    for project in Project.objects.all():
        secrets.add(project.authorization.reveal())
    assert not [secret for secret in secrets if secret in said]


def test_a_redelivery(operator: Client, project: Project) -> None:
    delivery = receive(project)
    run_drain(project)
    act(operator, delivery_url(delivery.pk, "redeliver"))
    assert line_of("support", delivery).get_change_message() == "Redelivered."


def test_redelivering_many_leaves_a_line_for_each(operator: Client, project: Project) -> None:
    deliveries = [receive(project) for _ in range(3)]
    chosen = {"action": "redeliver_selected", "_selected_action": [str(one.pk) for one in deliveries]}
    operator.post("/admin/integration/delivery/", chosen)
    assert {line_of("support", one).get_change_message() for one in deliveries} == {"Redelivered."}


def test_a_rotation(operator: Client, project: Project) -> None:
    act(operator, project_url(project, "rotate_authorization"), hours=0)
    entry = line_of("support", project)
    assert entry.get_change_message() == "Authorization value rotated; the old value is void at once."
    assert_no_secret()


def test_a_resumption_says_why_it_was_held(operator: Client, project: Project) -> None:
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    act(operator, project_url(project, "resume"))
    assert line_of("support", project).get_change_message() == "Resumed. It was held: Intercom answered 401."


def test_a_check_that_changes_nothing_leaves_no_line(operator: Client, project: Project) -> None:
    act(operator, project_url(project, "check_connection"))
    assert not LogEntry.objects.exists()


def test_switching_off_and_every_secret_that_is_entered(operator: Client, project: Project) -> None:
    answers = {"new_intercom_token": NEW_TOKEN, "new_signing_secret": SIGNING_SECRET, "active": False}
    save(operator, project_url(project), **answers)
    message = line_of("support", project).get_change_message()
    for part in ("Active: on → off", "Intercom access token replaced", "Signing secret replaced"):
        assert part in message
    assert_no_secret()


def test_a_new_project(operator: Client) -> None:
    answer = {"name": "New", "new_intercom_token": NEW_TOKEN, "region": "eu", "sandbox": "skip"}
    operator.post("/admin/integration/project/add/", answer)
    entry = line_of("support", Project.objects.get(name="New"))
    assert entry.action_flag == ADDITION
    assert_no_secret()


def test_a_change_of_members_names_them_before_and_after(admin_client: Client, project: Project) -> None:
    ada, bo = (User.objects.create_user(name, is_staff=True) for name in ("ada", "bo"))
    save(admin_client, project_url(project), members=[ada.pk])
    assert line_of("admin", project).get_change_message() == "Members: nobody → ada."
    save(admin_client, project_url(project), members=[bo.pk, ada.pk])
    assert LogEntry.objects.latest("pk").get_change_message() == "Members: ada → ada, bo."
    assert "Members: ada → ada, bo." in text_of(admin_client.get(project_url(project, "history")))


def test_a_change_of_somebodys_role(admin_client: Client, project: Project) -> None:
    ada = User.objects.create_user("ada", is_staff=True)
    viewers = Group.objects.get(name="Viewer")
    answer = {"username": "ada", "is_staff": "on", "is_active": "on", "groups": [viewers.pk]}
    joined = {"date_joined_0": "2026-11-24", "date_joined_1": "12:00:00"}
    admin_client.post(f"/admin/auth/user/{ada.pk}/change/", answer | joined)
    assert list(ada.groups.all()) == [viewers]
    entry = line_of("admin", ada)
    assert entry.action_flag == CHANGE and "Groups" in entry.get_change_message()


def test_a_new_password(admin_client: Client, project: Project) -> None:
    ada = User.objects.create_user("ada", is_staff=True)
    answer = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    admin_client.post(f"/admin/auth/user/{ada.pk}/password/", answer)
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert line_of("admin", ada).get_change_message() == "Changed password."
    assert_no_secret()
