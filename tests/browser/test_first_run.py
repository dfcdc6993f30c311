"""
A server on which nothing has happened yet: somebody signs in and makes the first project.
"""

from __future__ import annotations

from integration.models import Project
from tests.browser.conftest import PASSWORD, SUPERUSER, Visit, make_user


def test_an_empty_server_leads_from_the_sign_in_to_the_first_project(visitor: Visit) -> None:
    make_user(SUPERUSER)
    person = visitor()
    person.opens("/")
    person.is_at("/admin/login/?next=/admin/")
    person.fills("Username", "superuser")
    person.fills("Password", PASSWORD)
    person.presses("Log in")
    person.is_at("/admin/")
    person.follows("Projects")
    person.presses("Add project")
    person.fills("Name", "Larkfield")
    person.fills("Intercom access token", "dG9rOmZpcnN0")
    person.presses("Save")
    project = Project.objects.get()
    person.is_at(f"/admin/integration/project/{project.pk}/change/")
    person.sees("The steps below lead through the rest.")
    assert (project.name, project.intercom_token.reveal()) == ("Larkfield", "dG9rOmZpcnN0")


def test_a_wrong_password_is_said_and_the_keyboard_alone_gets_in(visitor: Visit) -> None:
    make_user(SUPERUSER)
    person = visitor()
    person.opens("/admin/login/")
    person.fills("Username", "superuser")
    person.fills("Password", "not it")
    person.types("Enter")
    person.sees("Please enter the correct username and password")
    person.fills("Password", PASSWORD)
    person.types("Enter")
    person.is_at("/admin/")
