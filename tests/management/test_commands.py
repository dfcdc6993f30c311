"""The commands a person types: what they print, and what they say when something is wrong."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from integration.models import Project
from tests.factories import TOKEN, make_project, receive, run_drain, webhook
from tests.fake_intercom import FakeIntercom, faults


def run(*arguments: str, **options: Any) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


# --- createproject -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_new_project_is_printed_ready_to_paste() -> None:
    printed = run("createproject", "My app", "--intercom-token", TOKEN)
    project = Project.objects.get()
    assert str(project.pk) in printed
    assert project.webhook_url in printed and project.authorization.reveal() in printed
    assert TOKEN not in printed
    assert (project.region, project.sandbox, project.active) == ("us", "skip", True)


@pytest.mark.django_db
def test_a_script_gets_one_json_object() -> None:
    made = json.loads(
        run("createproject", "EU", "--intercom-token", TOKEN, "--region", "eu", "--send-sandbox-events", "--json")
    )
    project = Project.objects.get(pk=made["id"])
    assert made == {
        "id": str(project.pk),
        "webhook_url": project.webhook_url,
        "authorization": project.authorization.reveal(),
    }
    assert (project.region, project.sandbox) == ("eu", "send")
    assert project.intercom_token.reveal() == TOKEN


@pytest.mark.django_db
def test_the_token_can_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    run("createproject", "Piped", "--intercom-token", "-")
    assert Project.objects.get().intercom_token.reveal() == TOKEN


@pytest.mark.django_db
def test_a_name_that_is_taken_makes_no_second_project() -> None:
    run("createproject", "Twin", "--intercom-token", TOKEN)
    with pytest.raises(CommandError, match="already exists"):
        run("createproject", "Twin", "--intercom-token", TOKEN)
    assert Project.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["two words", "ключ", "…4f2a", "", " "])
def test_what_cannot_be_a_token_makes_no_project(token: str) -> None:
    with pytest.raises(CommandError, match=r"no access token|is empty") as caught:
        run("createproject", "Wrong", "--intercom-token", token)
    assert not token.strip() or token not in str(caught.value)
    assert not Project.objects.exists()


# --- deliveries ----------------------------------------------------------------------------------------------


@pytest.fixture
def log(transactional_db: None, intercom: FakeIntercom, settings: Settings) -> Project:
    """A project with one delivery delivered, one skipped and one pending."""
    settings.INTERCOM_API_URL = intercom.url
    project = make_project("Logged")
    receive(project, webhook("RENEWAL", app_user_id="paid"))
    receive(project, webhook("TRANSFER", app_user_id="moved"))
    run_drain(project)
    receive(project, webhook("EXPIRATION", app_user_id="waiting"))
    return project


def test_the_log_says_what_became_of_each_event_and_of_each_call(log: Project) -> None:
    printed = run("deliveries")
    assert "delivered  rc_renewal_event  paid" in printed
    assert "POST /events  202" in printed
    assert "skipped    TRANSFER  moved" in printed and "This event type is switched off" in printed
    assert "pending    EXPIRATION  waiting" in printed
    assert re.search(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  pending", printed)
    assert TOKEN not in printed


def test_the_log_as_json_is_one_object_a_line_with_its_attempts(log: Project) -> None:
    rows = [json.loads(line) for line in run("deliveries", "--json").splitlines()]
    assert [row["status"] for row in rows] == ["pending", "skipped", "delivered"]
    delivered = rows[-1]
    assert delivered["event_name"] == "rc_renewal_event" and delivered["app_user_id"] == "paid"
    (attempt,) = delivered["attempts"]
    assert attempt["outcome"] == "delivered"
    assert [exchange["path"] for exchange in attempt["exchanges"]][-1] == "/events"
    assert rows[0]["next_try_at"] and not rows[0]["attempts"]


def test_the_log_can_be_narrowed_down(log: Project) -> None:
    other = make_project("Other")
    receive(other, webhook(app_user_id="elsewhere"))
    assert len(run("deliveries", "--json").splitlines()) == 4
    assert len(run("deliveries", "--json", "--project", str(log.pk)).splitlines()) == 3
    assert len(run("deliveries", "--json", "--status", "skipped").splitlines()) == 1
    assert len(run("deliveries", "--json", "--limit", "2").splitlines()) == 2
    assert len(run("deliveries", "--json", "--limit", "0").splitlines()) == 4


@pytest.mark.django_db
def test_a_log_that_holds_nothing_says_so_to_people_and_gives_scripts_no_line() -> None:
    assert run("deliveries", "--status", "failed") == "None.\n"
    assert run("deliveries", "--json") == ""


def test_a_delivery_that_is_tried_again_says_when(log: Project, intercom: FakeIntercom) -> None:
    intercom.inject(faults.error(503), times=None)
    run_drain(log)
    printed = run("deliveries", "--status", "pending")
    assert "Failed, tried again" in printed
    assert re.search(r"Next try at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", printed)


@pytest.mark.django_db
def test_an_id_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(CommandError, match="There is no project yet"):
        run("deliveries", "--project", "nonsense")
    make_project("Only")
    with pytest.raises(CommandError, match="There is no project nonsense"):
        run("deliveries", "--project", "nonsense")


# --- newkey --------------------------------------------------------------------------------------------------


def test_a_new_key_is_a_fernet_key_and_never_the_same() -> None:
    first, second = run("newkey").strip(), run("newkey").strip()
    assert Fernet(first) and Fernet(second)
    assert first != second
