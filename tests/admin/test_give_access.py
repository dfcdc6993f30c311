"""
Give access: an account, a role and the membership in one go, by superusers, with a line in the trail.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client

from integration.models import Project
from tests.admin.conftest import SignIn, act, project_url, text_of


def give(client: Client, project: Project, username: str = "ada", role: str = "Support") -> Any:
    """Fill the dialog in."""
    group = Group.objects.get(name=role)
    return act(client, project_url(project, "give_access"), username=username, role=group.pk)


def test_somebody_new_gets_an_account_a_role_and_the_project(admin_client: Client, project: Project) -> None:
    page = text_of(give(admin_client, project))
    found = re.search(r'data-copy="([^"]+)"', page)
    assert found
    ada = User.objects.get(username="ada")
    assert ada.is_staff and not ada.is_superuser and ada.check_password(found.group(1))
    assert [group.name for group in ada.groups.all()] == ["Support"] and list(project.members.all()) == [ada]
    client = Client()
    client.force_login(ada)
    assert text_of(client.get("/admin/integration/delivery/"))
    said = [entry.get_change_message() for entry in LogEntry.objects.all()]
    assert "Access given to ada, with the role Support." in said and found.group(1) not in str(said)


def test_somebody_who_has_an_account_keeps_the_password(admin_client: Client, project: Project) -> None:
    ada = User.objects.create_user("ada", password="as it was")
    response = give(admin_client, project, role="Viewer")
    assert response.headers["Location"] == project_url(project)
    ada.refresh_from_db()
    assert ada.is_staff and ada.check_password("as it was")
    assert [group.name for group in ada.groups.all()] == ["Viewer"]
    assert "ada sees this project now, as Viewer." in text_of(admin_client.get(project_url(project)))


def test_an_account_that_is_switched_off_stays_off(admin_client: Client, project: Project) -> None:
    User.objects.create_user("ada", is_active=False)
    assert "This account is switched off" in text_of(give(admin_client, project))
    assert not project.members.exists()


@pytest.mark.parametrize("username", ["", "two words", "a\x00b"])
def test_a_name_that_is_none_is_refused(admin_client: Client, project: Project, username: str) -> None:
    assert give(admin_client, project, username).status_code in {200, 400}
    assert not project.members.exists()


def test_only_superusers_may(project: Project, sign_in: SignIn) -> None:
    client = sign_in("view_project", "change_project", "add_project")
    assert give(client, project).status_code == 403
    assert "Give access" not in text_of(client.get(project_url(project)))
    assert not User.objects.filter(username="ada").exists()
