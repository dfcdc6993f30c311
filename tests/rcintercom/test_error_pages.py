"""
What somebody sees where a request is refused, leads nowhere or fails: what to do next, and nothing of the inside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from tests.factories import make_project

FRONT_PAGE = 'href="/admin/"'
SECRET = "dG9rOm5ldmVyLXNob3duLTEyMzQ1"


def said(response: Any, status: int) -> str:
    """The page, after looking at its status."""
    assert response.status_code == status
    return str(response.content.decode())


@pytest.fixture
def in_role(db: None, client: Client) -> Callable[..., Client]:
    """Signs in somebody who is a member of no project."""

    def signed_in(*roles: str) -> Client:
        user = User.objects.create_user("ada", is_staff=True)
        user.groups.set(Group.objects.filter(name__in=roles))
        client.force_login(user)
        return client

    return signed_in


def test_an_address_that_leads_nowhere_says_what_to_do(admin_client: Client) -> None:
    page = said(admin_client.get("/admin/nowhere/"), 404)
    assert "There is nothing at this address" in page and FRONT_PAGE in page and "unfold" in page
    assert "nowhere" not in page


def test_a_row_that_is_gone_says_the_same(admin_client: Client) -> None:
    page = said(admin_client.get("/admin/integration/delivery/999999/change/"), 404)
    assert "There is nothing at this address" in page and "Page not found" in page


@pytest.mark.parametrize("url", ["/admin/nowhere/", "/admin/integration/delivery/999999/change/"])
def test_what_is_not_there_for_a_member_may_be_there_for_others_and_for_a_superuser_is_not(
    in_role: Callable[..., Client], admin_client: Client, url: str
) -> None:
    page = said(in_role("Viewer").get(url), 404)
    assert "a project that you are no member of" in page and "they make you a member" in page
    page = said(admin_client.get(url), 404)
    assert "it is not a matter of access" in page and "no member of" not in page and "ask a superuser" not in page


@pytest.mark.parametrize("role", ["Viewer", "Support", "Integration admin"])
def test_what_a_role_may_not_says_which_role_that_is_and_who_gives_others(
    in_role: Callable[..., Client], role: str
) -> None:
    page = said(in_role(role).get("/admin/auth/user/"), 403)
    assert "Your role does not allow this." in page and f"signed in as “ada”, in the role {role}." in page
    assert "ask a superuser" in page and "Give access" in page and FRONT_PAGE in page


def test_who_has_no_role_is_told_so(in_role: Callable[..., Client]) -> None:
    page = said(in_role().get("/admin/integration/delivery/"), 403)
    assert "signed in as “ada”, and have no role yet" in page and "ask a superuser" in page


def test_what_nobody_may_is_not_blamed_on_a_superusers_role(admin_client: Client) -> None:
    page = said(admin_client.get("/admin/integration/delivery/add/"), 403)
    assert "not even by a superuser" in page and "Your role" not in page and "ask a superuser" not in page


def test_a_form_without_its_token_was_not_done_and_says_so(db: None) -> None:
    User.objects.create_superuser("admin", password="password")
    client = Client(enforce_csrf_checks=True)
    page = said(client.post("/admin/login/", {"username": "admin", "password": "password"}), 403)
    assert "Nothing was done." in page and "reload the page" in page and FRONT_PAGE in page


def test_a_request_that_makes_no_sense_is_refused_in_words(admin_client: Client) -> None:
    page = said(admin_client.get("/admin/", headers={"Host": "elsewhere.example.com"}), 400)
    assert "This was not understood" in page and "elsewhere" not in page


def test_a_failure_tells_nothing_of_the_inside_and_asks_no_database(admin_client: Client) -> None:
    project = make_project(token=SECRET)
    url = f"/admin/integration/project/{project.pk}/change/"
    admin_client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE integration_delivery RENAME COLUMN status TO status_is_gone")
    page = said(admin_client.get(url), 500)
    assert "Something went wrong" in page and "tell whoever runs this server" in page and " UTC." in page
    assert "status_is_gone" not in page and SECRET not in page and "Traceback" not in page
    assert "<script" not in page and "integration/error.css" in page


def test_outside_of_the_admin_a_page_needs_no_style(client: Client, db: None) -> None:
    page = said(client.get("/nowhere/"), 404)
    assert "Page not found" in page and "<link" not in page and "<style" not in page


def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_told_nothing(client: Client, db: None) -> None:
    assert client.get("/admin/nowhere/").status_code == 302
