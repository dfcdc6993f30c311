"""
What tests of the admin need: a project, people who are signed in, and a page's form filled in as a browser would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from integration.models import Project
from tests.factories import make_project
from tests.fake_intercom import FakeIntercom

SignIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Any) -> None:
    """A password for each test's user, without the second of work that makes it hard to guess."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    settings.PUBLIC_URL = "https://hooks.example.com"
    return make_project("Larkfield")


@pytest.fixture
def sign_in(db: None, client: Client) -> SignIn:
    """Signs somebody in who is a member of every project and holds these permissions of the app, and no others."""

    def signed_in(*codenames: str) -> Client:
        user = User.objects.create_user("support", password="irrelevant", is_staff=True)
        permissions = Permission.objects.filter(content_type__app_label="integration", codename__in=codenames)
        assert permissions.count() == len(codenames)
        user.user_permissions.set(permissions)
        for project in Project.objects.all():
            project.members.add(user)
        client.force_login(user)
        return client

    return signed_in


def project_url(project: Project, action: str = "change") -> str:
    """The address of a project's page, or of an action on it."""
    return f"/admin/integration/project/{project.pk}/{action}/"


def delivery_url(pk: int, action: str = "change") -> str:
    """The address of a delivery's page, or of an action on it."""
    return f"/admin/integration/delivery/{pk}/{action}/"


def text_of(response: Any) -> str:
    """The page."""
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def entered(client: Client, url: str, **changes: Any) -> dict[str, Any]:
    """What a browser would post from the form at `url`, with what the person changed; None unchecks a switch."""
    form = client.get(url).context["adminform"].form
    data: dict[str, Any] = {}
    for field in form:
        subwidgets = getattr(field.field.widget, "widgets", None)
        if subwidgets is None:
            data[field.html_name] = field.value()
            continue
        parts = field.field.widget.decompress(field.value())
        names = (f"{field.html_name}_name", f"{field.html_name}_send")
        data |= dict(zip(names, parts, strict=False))
    data |= changes
    posted = {name: "on" if value is True else value for name, value in data.items()}
    return {name: "" if value is None else value for name, value in posted.items() if value is not False}


def save(client: Client, url: str, **changes: Any) -> Any:
    """Save the form at `url` with what the person changed."""
    return client.post(url, entered(client, url, **changes), follow=True)


def act(client: Client, url: str, **answers: Any) -> Any:
    """Carry out the dialog at `url`."""
    return client.post(url, {"_form_submitted": "True", **answers})


def was_rung(project: Project) -> bool:
    """Whether the project is about to be drained."""
    return ProcrastinateJob.objects.filter(queueing_lock=f"drain:{project.pk}", status="todo").exists()
