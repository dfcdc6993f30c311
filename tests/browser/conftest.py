"""
A browser, the app on a port with the test's database, and people of each role in front of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from integration.models import Project
from tests.admin.test_roles import ROLES
from tests.browser.chromium import NO_BROWSER, BrowserThread, find_chromium, running_chromium
from tests.browser.person import Person
from tests.factories import make_project
from tests.fake_intercom import FakeIntercom

PASSWORD = "correct horse battery staple"
SUPERUSER = "Superuser"
Visit = Callable[..., Person]


@pytest.fixture(scope="session")
def chromium() -> Iterator[tuple[BrowserThread, Browser]]:
    """One for all tests of this process."""
    executable = find_chromium()
    if executable is None:
        pytest.skip(NO_BROWSER)
    with running_chromium(executable) as running:
        yield running


@pytest.fixture(autouse=True)
def place(transactional_db: None, settings: Any, intercom: FakeIntercom) -> None:
    """What is stored is there for the server's threads too; the roles are made anew, because each test clears all."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.INTERCOM_API_URL = intercom.url
    for role, codenames in ROLES.items():
        permissions = Permission.objects.filter(content_type__app_label="integration", codename__in=codenames)
        Group.objects.get_or_create(name=role)[0].permissions.set(permissions)


@pytest.fixture
def project() -> Project:
    """A project that sends to the stand-in."""
    return make_project("Larkfield")


@pytest.fixture
def visitor(chromium: tuple[BrowserThread, Browser], live_server: LiveServer) -> Iterator[Visit]:
    """Opens a window for somebody who has not signed in; at the end nothing may have gone wrong in any of them."""
    windows: list[Person] = []

    def open_window(**options: Any) -> Person:
        windows.append(Person(*chromium, live_server.url, **options))
        return windows[-1]

    yield open_window
    for person in windows:
        person.leaves()
    assert [problem for person in windows for problem in person.problems] == []


@pytest.fixture
def visit(visitor: Visit) -> Visit:
    """Opens a window for somebody of a role, or a superuser, who is signed in and a member of every project."""

    def signed_in(role: str = SUPERUSER, **options: Any) -> Person:
        person = visitor(**options)
        client = Client()
        client.force_login(make_user(role))
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": person.home}
        person.on_page(lambda page: page.context.add_cookies([cookie]))  # type: ignore[list-item]
        return person

    return signed_in


def make_user(role: str) -> User:
    """Somebody of that role, a member of every project, named like it."""
    name = role.lower().replace(" ", "-")
    if role == SUPERUSER:
        return User.objects.create_superuser(name, password=PASSWORD)
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    for project in Project.objects.all():
        project.members.add(user)
    return user
