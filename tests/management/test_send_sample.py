"""
`send_sample`: what is posted, what it says became of it, and how it ends for a script.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from integration.management.webhooks import why_refused
from integration.models import Delivery, Project, WebhookEvent
from integration.revenuecat.samples import sample_names
from tests.factories import SIGNING_SECRET, make_project, run_drain, webhook
from tests.fake_intercom import FakeIntercom, faults


def run(*arguments: str, **options: Any) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def run_to_exit(code: int, *arguments: str) -> str:
    """What `send_sample` prints before it ends with this exit code."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("send_sample", *arguments, stdout=out)
    assert ended.value.code == code
    return out.getvalue()


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
    printed = run_to_exit(2, "renewal", "--server", live_server.url, "--wait", "0.1", "--project", "Sampled")
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
    printed = run_to_exit(2, "renewal", "--server", live_server.url, "--wait", "0.2")
    assert "Still pending after 0.2 s. Does a worker run?" in printed
    assert Delivery.objects.get().status == "pending"


@pytest.fixture
def worked(sampled: Project, intercom: FakeIntercom, settings: Settings) -> Iterator[FakeIntercom]:
    """Somebody drains the project all the time, into the stand-in that the test gets."""
    settings.INTERCOM_API_URL = intercom.url
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            run_drain(sampled)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    yield intercom
    stop.set()
    worker.join()


def test_what_was_delivered_or_skipped_ends_well(worked: FakeIntercom, live_server: LiveServer) -> None:
    assert "delivered rc_renewal_event" in run("send_sample", "renewal", "--server", live_server.url)
    assert "skipped RevenueCat's test event" in run("send_sample", "test", "--server", live_server.url)


def test_what_failed_says_why_and_ends_with_1(worked: FakeIntercom, live_server: LiveServer) -> None:
    worked.inject(faults.error(422, message="No."), times=None)
    printed = run_to_exit(1, "renewal", "--server", live_server.url)
    assert "failed rc_renewal_event Intercom answered 422: No." in printed


def test_what_is_tried_again_says_what_happened_and_when_it_goes_on(
    worked: FakeIntercom, live_server: LiveServer
) -> None:
    worked.inject(faults.error(503), times=None)
    printed = run_to_exit(2, "renewal", "--server", live_server.url, "--wait", "2")
    assert re.search(
        r"Still pending after 2 s\. Tried once\. Intercom answered 503: .+\. "
        r"Next try at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.\n",
        printed,
    ), printed


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (301, "301. It redirects to https://rc.example.com/, and a webhook follows no redirect. Name the https://"),
        (400, "400. Is the body an event?"),
        (404, "404. That server has no such project"),
        (405, "405. That is no answer of this app's webhook address"),
        (503, "503. The server, its database or the proxy"),
    ],
)
def test_an_answer_that_is_no_200_names_its_cause(status: int, said: str) -> None:
    answer = requests.Response()
    answer.status_code = status
    answer.headers["Location"] = "https://rc.example.com/"
    assert why_refused(answer).startswith(f"The server refused the webhook with {said}")


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
        ('{"event": {"type": ""}}', "The server refused the webhook with 400."),
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
