"""
Accounts: whoever has done something stays in the audit trail, and is switched off instead of deleted.
"""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from integration.models import Project
from tests.admin.conftest import act, project_url, text_of
from tests.factories import make_project

USERS = "/admin/auth/user/"
WHY = "This account cannot be deleted"


def mallory(project: Project) -> User:
    """A superuser who has rotated a value."""
    user = User.objects.create_superuser("mallory", password="irrelevant")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    act(client, project_url(project, "rotate_authorization"), hours=0)
    assert LogEntry.objects.filter(user=user, object_id=str(project.pk)).count() == 1
    return user


def test_who_has_left_a_line_in_the_audit_trail_cannot_be_deleted_and_the_page_says_what_to_do(
    admin_client: Client, project: Project
) -> None:
    url = f"{USERS}{mallory(project).pk}"
    page = text_of(admin_client.get(f"{url}/change/"))
    assert WHY in page and "switch the account off" in page and f"{url}/delete/" not in page
    assert [admin_client.get(f"{url}/delete/").status_code, delete(admin_client, url).status_code] == [403, 403]
    assert LogEntry.objects.filter(object_id=str(project.pk)).count() == 1


def test_the_lists_action_deletes_nobody(admin_client: Client, project: Project) -> None:
    user = mallory(project)
    answer = {"action": "delete_selected", "_selected_action": [str(user.pk)], "post": "yes"}
    admin_client.post(USERS, answer)
    assert User.objects.filter(pk=user.pk).exists() and LogEntry.objects.filter(user=user).exists()
    assert "delete_selected" not in text_of(admin_client.get(USERS))


def test_who_is_switched_off_is_out_at_once_and_stays_in_the_trail(admin_client: Client, project: Project) -> None:
    user = mallory(project)
    theirs = Client()
    theirs.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    joined = {"date_joined_0": "2026-11-24", "date_joined_1": "12:00:00"}
    admin_client.post(f"{USERS}{user.pk}/change/", {"username": "mallory", "is_staff": "on"} | joined)
    user.refresh_from_db()
    assert not user.is_active and theirs.get("/admin/").status_code == 302
    assert "mallory" in text_of(admin_client.get(project_url(project, "history")))


def test_who_has_done_nothing_can_be_deleted(admin_client: Client, project: Project) -> None:
    user = User.objects.create_user("ada", is_staff=True)
    url = f"{USERS}{user.pk}"
    page = text_of(admin_client.get(f"{url}/change/"))
    assert WHY not in page and f"{url}/delete/" in page
    assert delete(admin_client, url).status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()


def test_a_user_who_is_not_there_is_answered_404(admin_client: Client, db: None) -> None:
    for key in ("0", "99999999999999999999", "x"):
        assert admin_client.get(f"{USERS}{key}/change/").status_code == 404


# --- The list ---------------------------------------------------------------------------------------------------


def cells(client: Client, username: str) -> list[str]:
    """What the line of a user says."""
    rows = text_of(client.get(USERS)).split('<tr class="data-row')
    row = next(row for row in rows if f">{username}<" in row)
    texts = (re.sub(r"<[^>]+>", " ", cell) for cell in re.split(r"<t[hd] ", row)[1:])
    return [html.unescape(" ".join(text.split(">", 1)[-1].split())) for text in texts]


def member(username: str, *projects: Project, role: str = "Support", **fields: Any) -> User:
    """Somebody of a role, who sees these projects."""
    user = User.objects.create_user(username, is_staff=True, **fields)
    user.groups.add(Group.objects.get(name=role))
    user.projects.set(projects)
    return user


def test_the_list_says_who_may_do_what_where_and_who_was_here_last(admin_client: Client, project: Project) -> None:
    at = timezone.now() - timedelta(days=3)
    names = {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"}
    member("ada", project, make_project("Other"), last_login=at, **names)
    member("bo", role="Viewer", is_active=False)
    local = f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
    assert cells(admin_client, "ada")[:4] == [
        "ada Ada Byron, ada@example.com",
        "Support",
        "Larkfield Other",
        f"3 days ago {local}",
    ]
    assert cells(admin_client, "bo")[:4] == ["bo", "Viewer", "–", "Never"]
    assert cells(admin_client, "admin")[1:3] == ["Superuser", "All"]


def test_the_list_shows_no_column_that_is_empty_for_everybody(admin_client: Client, db: None) -> None:
    page = text_of(admin_client.get(USERS))
    heads = re.findall(r'class="[^"]*column-(\w+)', page)
    assert heads == ["account", "roles", "member_of", "last_sign_in", "second_factor_is_on", "may_sign_in"]


def test_of_many_projects_some_are_named(admin_client: Client, db: None) -> None:
    member("ada", *(make_project(f"P{number}") for number in range(5)))
    assert cells(admin_client, "ada")[2] == "P0 P1 P2 and 2 more"


def test_the_list_asks_no_more_for_more_users(
    admin_client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    member("ada", project)
    text_of(admin_client.get(USERS))
    with django_assert_max_num_queries(9) as few:
        text_of(admin_client.get(USERS))
    for number in range(5):
        member(f"user-{number}", project, make_project())
    with django_assert_max_num_queries(9) as many:
        text_of(admin_client.get(USERS))
    assert len(many) == len(few)


def delete(client: Client, url: str) -> Any:
    """Press Delete, and agree."""
    return client.post(f"{url}/delete/", {"post": "yes"})
