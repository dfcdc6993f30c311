"""
The webhook's buttons on a project's page: registering and updating it in RevenueCat, and what no longer fits.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from integration.models import Drift, Project, WebhookRegistration
from integration.models.secrets import Secret
from tests.admin.conftest import SignIn, act, project_url, text_of
from tests.factories import AUTHORIZATION, SIGNING_SECRET, make_project
from tests.fake_revenuecat import KEY, FakeRevenueCat

ACTIONS = ("register_webhook", "update_webhook", "verify_webhook", "check_project")


@pytest.fixture
def asking(project: Project, revenuecat: FakeRevenueCat, settings: Any) -> Project:
    """A project that can ask RevenueCat."""
    settings.REVENUECAT_API_URL = revenuecat.url
    project.revenuecat_api_key = Secret.of(KEY)
    project.revenuecat_project = "proj1ab2c3d4"
    project.save()
    return project


def confirmation(response: Any) -> str:
    """What the dialog remembers of what it shows."""
    return str(response.context["form"].fields["confirmed"].initial)


def write(client: Client, project: Project, action: str = "register_webhook") -> Any:
    """Open the dialog, and carry out what it shows."""
    opened = client.get(project_url(project, action))
    return act(client, project_url(project, action), confirmed=confirmation(opened))


def lines() -> list[str]:
    """The project's history."""
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


def test_what_would_be_made_is_shown_before_anything_is_made(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    page = text_of(admin_client.get(project_url(asking, "register_webhook")))
    assert "This one would be made" in page and asking.webhook_url in page
    assert "production and sandbox" in page and f"…{AUTHORIZATION[-4:]}" in page
    assert AUTHORIZATION not in page and KEY not in page
    assert revenuecat.webhooks.rows == {} and not LogEntry.objects.exists()


def test_a_webhook_is_registered_and_then_updated(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    answer = write(admin_client, asking)
    assert answer.headers["Location"] == project_url(asking)
    (known,) = revenuecat.webhooks.rows
    page = text_of(admin_client.get(project_url(asking)))
    assert "The webhook is registered" in page and "Registered through RevenueCat" in page
    assert f"{asking.pk}/update_webhook/" in page and f"{asking.pk}/register_webhook/" not in page
    write(admin_client, asking, "update_webhook")
    assert "The webhook is up to date in RevenueCat." in text_of(admin_client.get(project_url(asking)))
    assert list(revenuecat.webhooks.rows) == [known]
    assert lines() == [
        f"Webhook registered in RevenueCat ({known}): Name, URL, Authorization header, Environment, Events, Apps.",
        f"Webhook updated in RevenueCat ({known}): Authorization header.",
    ]
    assert AUTHORIZATION not in "".join(lines())


def test_what_changed_between_looking_and_writing_is_shown_again_and_nothing_is_written(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    opened = admin_client.get(project_url(asking, "register_webhook"))
    known = revenuecat.webhooks.add(name="By hand", url=asking.webhook_url, environment="sandbox")
    again = act(admin_client, project_url(asking, "register_webhook"), confirmed=confirmation(opened))
    page = text_of(again)
    assert "Nothing was written yet" in page and "By hand" in page and "(now: sandbox)" in page
    assert revenuecat.webhooks.rows[known]["environment"] == "sandbox"
    assert not WebhookRegistration.objects.exists() and not LogEntry.objects.exists()
    act(admin_client, project_url(asking, "register_webhook"), confirmed=confirmation(again))
    assert revenuecat.webhooks.rows[known]["environment"] is None


def test_without_having_looked_nothing_is_written(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    assert "Nothing was written yet" in text_of(act(admin_client, project_url(asking, "register_webhook")))
    assert revenuecat.webhooks.rows == {}


def test_after_a_rotation_revenuecat_is_offered_the_new_value(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    write(admin_client, asking)
    act(admin_client, project_url(asking, "rotate_authorization"), hours=24)
    page = text_of(admin_client.get(project_url(asking)))
    assert page.count("another one has been made since") == 2 and f"{asking.pk}/update_webhook/" in page
    write(admin_client, asking, "update_webhook")
    asking.refresh_from_db()
    assert list(revenuecat.webhooks.authorizations.values()) == [asking.authorization.reveal()]
    assert "another one has been made since" not in text_of(admin_client.get(project_url(asking)))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_register_at_the_same_moment_the_second_one_finds_the_webhook_of_the_first(
    asking: Project, revenuecat: FakeRevenueCat
) -> None:
    url, clients = project_url(asking, "register_webhook"), [Client(), Client()]
    for number, client in enumerate(clients):
        client.force_login(User.objects.create_superuser(f"admin-{number}"))
    seen = [confirmation(client.get(url)) for client in clients]
    both_ask, answers = threading.Barrier(2), []

    def meet() -> None:
        # Whoever asks waits for the other one to ask too, in vain where they go one after the other.
        with suppress(threading.BrokenBarrierError):
            both_ask.wait(1)

    def press(client: Client, confirmed: str) -> None:
        try:
            answers.append(act(client, url, confirmed=confirmed))
        finally:
            connection.close()

    revenuecat.on_asked = meet
    threads = [threading.Thread(target=press, args=pair) for pair in zip(clients, seen, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    (known,) = revenuecat.webhooks.rows
    first, second = sorted(answers, key=lambda answer: -answer.status_code)
    assert first.headers["Location"] == project_url(asking)
    assert "Somebody is writing this project&#x27;s webhook at this moment" in text_of(second)
    assert WebhookRegistration.objects.get().webhook_id == known and len(lines()) == 1
    later = text_of(act(clients[0], url, confirmed=seen[0]))
    assert "Nothing was written yet" in later and known in later


def test_the_turn_of_a_process_that_was_killed_ends_by_itself(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    assert WebhookRegistration.take_turn(asking, timezone.now())
    assert "at this moment" in text_of(write(admin_client, asking)) and revenuecat.webhooks.rows == {}
    Project.objects.update(registering_until=timezone.now())
    assert write(admin_client, asking).status_code == 302
    assert len(revenuecat.webhooks.rows) == 1 and Project.objects.get().registering_until is None


@pytest.mark.parametrize("when", ["looking", "writing"])
def test_what_revenuecat_refuses_is_said_in_the_dialog(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat, when: str
) -> None:
    opened = admin_client.get(project_url(asking, "register_webhook"))
    permission = {"looking": "read", "writing": "read_write"}[when]
    revenuecat.permissions -= {f"project_configuration:integrations:{permission}"}
    if when == "looking":
        page = text_of(admin_client.get(project_url(asking, "register_webhook")))
    else:
        page = text_of(act(admin_client, project_url(asking, "register_webhook"), confirmed=confirmation(opened)))
    assert f"needs the permission project_configuration:integrations:{permission}" in page and KEY not in page
    assert not WebhookRegistration.objects.exists() and not LogEntry.objects.exists()


def test_what_was_done_although_no_answer_came_is_found_and_not_done_twice(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.fail_writing(503)
    assert "RevenueCat may have done it all the same" in text_of(write(admin_client, asking))
    assert lines() == ["Webhook perhaps written to RevenueCat, which did not answer."]
    assert not WebhookRegistration.objects.exists()
    revenuecat.lost = None
    write(admin_client, asking)
    assert len(revenuecat.webhooks.rows) == 1 and WebhookRegistration.objects.count() == 1


def test_a_signing_secret_is_stored_and_shown_nowhere(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.webhooks.secret_told = SIGNING_SECRET
    write(admin_client, asking)
    asking.refresh_from_db()
    assert asking.signing_secret.reveal() == SIGNING_SECRET
    assert lines()[0].endswith("its signing secret is stored.")
    assert SIGNING_SECRET not in text_of(admin_client.get(project_url(asking))) + "".join(lines())


def test_verifying_says_what_does_not_fit_and_the_page_keeps_it(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    page = text_of(act(admin_client, project_url(asking, "verify_webhook")))
    assert "RevenueCat has no webhook with this project" in page
    page = text_of(admin_client.get(project_url(asking)))
    assert "RevenueCat has no webhook with this project" in page and "(since " in page
    write(admin_client, asking)
    assert "RevenueCat has no webhook with this project" not in text_of(admin_client.get(project_url(asking)))
    page = text_of(act(admin_client, project_url(asking, "verify_webhook")))
    assert "All that could be compared fits." in page and "so it cannot be compared" in page


def test_checking_everything_asks_intercom_too(admin_client: Client, asking: Project) -> None:
    asking.region = "eu"
    asking.save()
    page = text_of(act(admin_client, project_url(asking, "check_project")))
    assert "region is Europe" in page
    page = text_of(admin_client.get(project_url(asking)))
    assert "Last checked at" in page and "region is Europe" in page


def test_names_that_others_chose_in_revenuecat_are_escaped(
    admin_client: Client, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    name = "<script>alert(1)</script>\ud800"
    revenuecat.webhooks.add(name=name, url=asking.webhook_url, environment="sandbox")
    pages = [
        text_of(admin_client.get(project_url(asking, "register_webhook"))),
        text_of(act(admin_client, project_url(asking, "verify_webhook"))),
        text_of(admin_client.get(project_url(asking))),
    ]
    for page in pages:
        assert "<script>alert" not in page and escape("<script>alert") in page


def test_without_a_key_the_page_says_what_to_enter_and_offers_only_the_check(
    admin_client: Client, project: Project
) -> None:
    page = text_of(admin_client.get(project_url(project)))
    assert "enter a RevenueCat API key and project id" in page
    assert [f"{project.pk}/{action}/" in page for action in ACTIONS] == [False, False, False, True]
    assert "No RevenueCat API key is stored" in text_of(admin_client.get(project_url(project, "register_webhook")))


def test_who_may_not_change_the_project_may_not_do_these(
    sign_in: SignIn, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    client = sign_in("view_project")
    page = text_of(client.get(project_url(asking)))
    for action in ACTIONS:
        assert f"{asking.pk}/{action}/" not in page
        assert client.get(project_url(asking, action)).status_code == 403
        assert act(client, project_url(asking, action)).status_code == 403
    assert revenuecat.asked == []


def test_nobody_acts_on_a_project_of_others_or_sees_its_drift(
    sign_in: SignIn, asking: Project, revenuecat: FakeRevenueCat
) -> None:
    client = sign_in("view_project", "change_project")
    foreign = make_project("Foreign", revenuecat_api_key=Secret.of(KEY), revenuecat_project="1ab2c3d4")
    Drift.objects.create(project=foreign, kind="webhook_missing", sentence="Foreign drift", since=timezone.now())
    for action in ACTIONS:
        assert client.get(project_url(foreign, action)).status_code in (403, 404)
        assert act(client, project_url(foreign, action)).status_code in (403, 404)
    assert revenuecat.asked == []
    assert "Foreign drift" not in text_of(client.get(project_url(asking)))
    write(client, asking)
    assert len(revenuecat.webhooks.rows) == 1
