"""
Accounts: whoever has done something stays in the audit trail, and is switched off instead of deleted.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from integration.models import Project
from tests.admin.conftest import act, project_url, text_of

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


def delete(client: Client, url: str) -> Any:
    """Press Delete, and agree."""
    return client.post(f"{url}/delete/", {"post": "yes"})
