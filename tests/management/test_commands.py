"""The commands a person types: what they print, and what they say when something is wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integration.models import Delivery, Project, WebhookEvent
from integration.revenuecat.samples import sample_names
from tests.factories import SIGNING_SECRET, TOKEN, make_project, receive, run_drain, webhook
from tests.fake_intercom import FakeIntercom


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
def test_an_id_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(CommandError, match="There is no project yet"):
        run("deliveries", "--project", "nonsense")
    make_project("Only")
    with pytest.raises(CommandError, match="There is no project nonsense"):
        run("deliveries", "--project", "nonsense")


# --- send_sample ---------------------------------------------------------------------------------------------


@pytest.fixture
def sampled(transactional_db: None, live_server: LiveServer) -> Project:
    """A project that samples can be posted to, on a server that runs."""
    return make_project("Sampled")


def test_a_sample_arrives_with_a_new_id_and_is_never_a_repeat(sampled: Project, live_server: LiveServer) -> None:
    for _ in range(2):
        printed = run("send_sample", "trial_started", "--server", live_server.url, "--wait", "0")
        assert '200 {"status":"accepted"}' in printed
    assert WebhookEvent.objects.filter(type="INITIAL_PURCHASE").count() == 2


def test_a_sample_is_signed_where_the_project_wants_it_and_can_be_about_a_chosen_customer(
    sampled: Project, live_server: LiveServer
) -> None:
    project = make_project("Signed")
    project.signing_secret = type(project.signing_secret).of(SIGNING_SECRET)
    project.save()
    run(
        "send_sample", "renewal", "--server", live_server.url, "--wait", "0",
        "--project", str(project.pk), "--app-user-id", "me",
    )  # fmt: skip
    assert WebhookEvent.objects.get(project=project).app_user_id == "me"


def test_a_sample_that_waits_for_the_operator_says_so(sampled: Project, live_server: LiveServer) -> None:
    sampled.hold("Intercom refused the token.", timezone.now(), until=None)
    printed = run("send_sample", "renewal", "--server", live_server.url, "--wait", "0.1", "--project", "Sampled")
    assert "“Sampled” is held: Intercom refused the token." in printed
    Project.objects.update(active=False)
    assert "“Sampled” is switched off" in run("deliveries")


@pytest.mark.django_db
def test_without_a_name_the_samples_are_listed() -> None:
    assert run("send_sample").split() == sample_names()


def test_a_database_without_tables_is_said_to_have_none(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE integration_project RENAME TO elsewhere")
    try:
        for arguments in (["deliveries"], ["send_sample", "renewal"], ["createproject", "A", "--intercom-token", "b"]):
            with pytest.raises(CommandError, match=r"manage\.py migrate"):
                run(*arguments)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO integration_project")


def test_a_file_of_ones_own_is_posted_too(sampled: Project, live_server: LiveServer, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(webhook("SOMETHING_NEW")))
    run("send_sample", str(file), "--server", live_server.url, "--wait", "0")
    assert WebhookEvent.objects.get().type == "SOMETHING_NEW"


def test_the_outcome_is_waited_for_and_said(sampled: Project, live_server: LiveServer) -> None:
    # Nobody drains here, so it stays pending, and the command says what to look at.
    printed = run("send_sample", "renewal", "--server", live_server.url, "--wait", "0.2")
    assert "Still pending after 0.2 s. Does a worker run?" in printed
    assert Delivery.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such_sample"], "There is no sample or file named no_such_sample. The samples are: billing_issue"),
        (["renewal", "--server", "http://127.0.0.1:9"], "Nothing answers at http://127.0.0.1:9/webhooks/"),
        (["renewal", "--project", "5"], "There is no project 5."),
    ],
)
@pytest.mark.django_db
def test_what_cannot_be_sent_is_said_in_plain_words(arguments: list[str], said: str) -> None:
    make_project("Only")
    with pytest.raises(CommandError) as caught:
        run("send_sample", *arguments)
    assert said in str(caught.value)


@pytest.mark.django_db
def test_with_no_project_or_several_the_command_asks_which() -> None:
    with pytest.raises(CommandError, match=r"manage\.py createproject"):
        run("send_sample", "renewal")
    make_project("First")
    make_project("Second")
    with pytest.raises(CommandError, match=r"--project ID(.|\n)*First(.|\n)*Second"):
        run("send_sample", "renewal")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('{"event": 1}', "is not a webhook body: it has no `event` object"),
        ('{"event": {"type": ""}}', "The server refused the webhook."),
    ],
)
def test_a_file_that_is_no_webhook_is_refused(
    sampled: Project, live_server: LiveServer, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(content)
    with pytest.raises(CommandError) as caught:
        run("send_sample", str(file), "--server", live_server.url, "--wait", "0")
    assert said in str(caught.value)
    assert not WebhookEvent.objects.exists()


# --- newkey --------------------------------------------------------------------------------------------------


def test_a_new_key_is_a_fernet_key_and_never_the_same() -> None:
    first, second = run("newkey").strip(), run("newkey").strip()
    assert Fernet(first) and Fernet(second)
    assert first != second
