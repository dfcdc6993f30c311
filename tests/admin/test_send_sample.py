"""
Send a test: a sample through the real path or rehearsed, what the page then says, and who may.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from integration.models import Delivery, Project, WebhookEvent
from integration.revenuecat.samples import is_test_id, sample_names
from tests.admin.conftest import SignIn, delivery_url, project_url, text_of, was_rung
from tests.factories import make_project, run_drain
from tests.fake_intercom import FakeIntercom


def url(project: Project, name: str = "send_test") -> str:
    """The page, or the piece of it that is asked for again and again."""
    return project_url(project, name)


def send(client: Client, project: Project, **answers: Any) -> Any:
    """Fill the form in and press Send, or with rehearse=1 Dry run."""
    return client.post(url(project), {"sample": "renewal", "app_user_id": "me", **answers}, follow=True)


def test_every_sample_can_be_chosen(admin_client: Client, project: Project) -> None:
    page = text_of(admin_client.get(url(project)))
    assert all(f'<option value="{name}"' in page for name in sample_names())
    assert '<optgroup label="Trial Started">' in page


def test_a_test_goes_through_the_real_path_and_is_watched_until_it_arrives(
    admin_client: Client, project: Project, intercom: FakeIntercom, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        page = text_of(send(admin_client, project))
    event, delivery = WebhookEvent.objects.get(), Delivery.objects.get()
    assert is_test_id(event.event_id) and event.event_id in page and event.app_user_id == "me"
    assert was_rung(project)
    assert "data-pending" in page and f'data-watch="{url(project, "test_state")}"' in page
    assert f'<a href="{url(project)}" class="text-link">Look again</a>' in page
    run_drain(project)
    piece = text_of(admin_client.get(url(project, "test_state")))
    assert "was delivered as rc_renewal_event" in piece and "data-pending" not in piece
    assert delivery_url(delivery.pk) in piece and "<html" not in piece
    assert [one.event_name for one in intercom.events_of("me")] == ["rc_renewal_event"]


def test_a_test_stands_in_the_audit_trail_without_the_customer(admin_client: Client, project: Project) -> None:
    send(admin_client, project, app_user_id="ada@example.com")
    message = LogEntry.objects.get().get_change_message()
    assert message.startswith("Test sent: RENEWAL, TEST-") and "ada" not in message


def test_what_keeps_a_sandbox_test_from_being_sent_is_said(admin_client: Client, project: Project) -> None:
    send(admin_client, project, sandbox="on")
    run_drain(project)
    page = text_of(admin_client.get(url(project)))
    assert "was skipped" in page and escape("“Sandbox events” are skipped in this project's settings.") in page


def test_a_held_project_says_that_the_test_waits(admin_client: Client, project: Project) -> None:
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    assert "held until somebody resumes it. Intercom answered 401." in text_of(send(admin_client, project))


def test_a_dry_run_shows_the_calls_and_makes_none(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    page = text_of(send(admin_client, project, rehearse="1"))
    assert "Dry run: nothing was sent" in page and "POST /events" in page and "rc_renewal_event" in page
    assert not intercom.ledger and not WebhookEvent.objects.exists() and not LogEntry.objects.exists()


def test_a_dry_run_names_the_setting_that_keeps_it_back(admin_client: Client, project: Project) -> None:
    page = text_of(send(admin_client, project, sample="sandbox_renewal", rehearse="1"))
    assert "Nothing would be sent." in page and "“Sandbox events” are skipped" in page


@pytest.mark.parametrize("answers", [{"sample": "../../etc/passwd"}, {"sample": ""}, {"app_user_id": " "}])
def test_a_form_that_is_not_filled_in_sends_nothing(
    admin_client: Client, project: Project, answers: dict[str, str]
) -> None:
    assert "data-pending" not in text_of(send(admin_client, project, **answers))
    assert not WebhookEvent.objects.exists()


def test_the_values_of_a_sample_do_not_get_into_somebodys_contact(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    project.email_rule = project.name_rule = "always"
    project.save()
    for name in sample_names():
        send(admin_client, project, sample=name)
        run_drain(project)
    assert {contact.email for contact in intercom.contacts} == {None}
    assert {contact.external_id for contact in intercom.contacts} == {"me"}


# --- Who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["send_test", "test_state"])
def test_only_who_may_change_the_project_may(project: Project, sign_in: SignIn, name: str) -> None:
    client = sign_in("view_project", "view_delivery", "view_payload")
    assert client.get(url(project, name)).status_code == 403
    assert client.post(url(project, name), {"sample": "renewal", "app_user_id": "me"}).status_code == 403
    assert not WebhookEvent.objects.exists()


def test_calls_are_hidden_from_who_may_not_see_what_is_said_to_intercom(project: Project, sign_in: SignIn) -> None:
    page = text_of(send(sign_in("view_project", "change_project"), project, rehearse="1"))
    assert "calls would be made." in page and "POST /events" not in page


def test_a_project_that_sandbox_events_are_handed_to_is_not_shown_to_who_does_not_see_it(
    project: Project, client: Client
) -> None:
    other = make_project("Elsewhere", sandbox="send")
    project.sandbox, project.sandbox_project = "other", other
    project.save()
    user = User.objects.create_user("somebody", password="irrelevant", is_staff=True)
    user.groups.add(Group.objects.get(name="Integration admin"))
    project.members.add(user)
    client.force_login(user)
    assert "It would be handed over" in text_of(send(client, project, sandbox="on", rehearse="1"))
    send(client, project, sandbox="on")
    run_drain(project)
    page = text_of(client.get(url(project)))
    assert "It was handed over" in page and "Elsewhere" not in page
    other.members.add(user)
    assert "It was handed over" not in text_of(client.get(url(project)))


def test_the_page_asks_a_fixed_number_of_questions(
    admin_client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    send(admin_client, project)
    run_drain(project)
    for page, most in (("send_test", 12), ("test_state", 12)):
        with django_assert_max_num_queries(most):
            text_of(admin_client.get(url(project, page)))
