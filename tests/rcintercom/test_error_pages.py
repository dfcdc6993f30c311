"""
What somebody sees where a request is refused, leads nowhere or fails: what to do next, and nothing of the inside.
"""

from __future__ import annotations

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
def viewer(db: None, client: Client) -> Client:
    """Somebody who may look at the log, and no more."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.groups.add(Group.objects.get(name="Viewer"))
    client.force_login(user)
    return client


def test_an_address_that_leads_nowhere_says_what_to_do(admin_client: Client) -> None:
    page = said(admin_client.get("/admin/nowhere/"), 404)
    assert "There is nothing at this address" in page and FRONT_PAGE in page and "unfold" in page
    assert "nowhere" not in page


def test_a_row_that_is_gone_says_the_same(admin_client: Client) -> None:
    page = said(admin_client.get("/admin/integration/delivery/999999/change/"), 404)
    assert "There is nothing at this address" in page and "Page not found" in page


def test_what_a_role_may_not_says_who_gives_roles(viewer: Client) -> None:
    page = said(viewer.get("/admin/auth/user/"), 403)
    assert "Your role does not allow this." in page and "ask a superuser" in page and FRONT_PAGE in page


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
