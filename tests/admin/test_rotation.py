"""
Rotating again while the value before the present one is still taken: that one dies, and everything says so.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from integration.admin.display import clock
from integration.models import Project
from integration.models.secrets import Secret
from tests.admin.conftest import act, project_url, text_of
from tests.factories import AUTHORIZATION

WARNING = "An earlier rotation is still under way."


def rotate(client: Client, project: Project, hours: int = 24) -> str:
    """Rotate; what the audit trail says of it."""
    act(client, project_url(project, "rotate_authorization"), hours=hours)
    project.refresh_from_db()
    return LogEntry.objects.latest("pk").get_change_message()


def dialog(client: Client, project: Project) -> str:
    """The dialog, with its lines put together."""
    return " ".join(text_of(client.get(project_url(project, "rotate_authorization"))).split())


def test_the_first_rotation_warns_of_nothing_and_voids_nothing(admin_client: Client, project: Project) -> None:
    assert WARNING not in dialog(admin_client, project)
    assert rotate(admin_client, project).count("void") == 0
    assert project.admits(AUTHORIZATION, timezone.now())


def test_the_dialog_says_which_of_two_values_dies(admin_client: Client, project: Project) -> None:
    rotate(admin_client, project)
    shown = dialog(admin_client, project)
    present = project.authorization.hint
    assert WARNING in shown and f"Rotating again voids <code>…{AUTHORIZATION[-4:]}</code> at once" in shown
    assert f"the hours are those of <code>{present}</code>" in shown
    assert project.previous_authorization_until and clock(project.previous_authorization_until) in shown
    assert AUTHORIZATION not in shown and project.authorization.reveal() not in shown


@pytest.mark.parametrize("hours", [24, 0])
def test_a_second_rotation_says_truly_what_is_void(admin_client: Client, project: Project, hours: int) -> None:
    rotate(admin_client, project)
    second, until = project.authorization.reveal(), project.previous_authorization_until
    said = rotate(admin_client, project, hours=hours)
    now = timezone.now()
    assert not project.admits(AUTHORIZATION, now)
    assert project.admits(second, now) is (hours > 0)
    old = "the old value stays valid until" if hours else "the old value is void at once;"
    assert until and old in said
    assert said.endswith(f"; the value before it, which was to stay valid until {clock(until)}, is void at once.")
    assert said.removeprefix("Authorization value rotated; ") in text_of(admin_client.get(project_url(project)))


def test_an_overlap_that_has_ended_is_no_reason_to_warn(admin_client: Client, project: Project) -> None:
    rotate(admin_client, project)
    Project.objects.update(previous_authorization_until=timezone.now() - timedelta(seconds=1))
    assert WARNING not in dialog(admin_client, project)
    assert "void" not in rotate(admin_client, project)


def test_a_value_that_nobody_can_read_does_not_die_again(admin_client: Client, project: Project) -> None:
    rotate(admin_client, project)
    fernet = Fernet(Fernet.generate_key())
    Project.objects.update(previous_authorization=Secret(fernet.encrypt(b"of a lost key").decode()))
    assert WARNING not in dialog(admin_client, project)
    assert "void" not in rotate(admin_client, project)


def test_where_there_was_no_value_none_is_said_to_stay_valid(admin_client: Client, project: Project) -> None:
    Project.objects.update(authorization=Secret(""))
    assert rotate(admin_client, project) == "Authorization value rotated; there was none before it."
