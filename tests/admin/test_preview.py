"""
The preview page: the calls of an event with today's settings, or the setting that keeps them back; for those who may
read payloads, of their own projects. No network, no row.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from integration.envelopes import LARGEST_BODY
from integration.models import Customer, DeliveryAttempt, EventSetting, Project, WebhookEvent
from integration.models.secrets import Secret
from integration.revenuecat.samples import load_sample
from tests.admin.conftest import SignIn, project_url, text_of
from tests.factories import make_project, raw, receive, run_drain, webhook
from tests.fake_intercom import FakeIntercom

PREVIEW = "/admin/integration/preview/"


@contextmanager
def no_network() -> Iterator[None]:
    """Whoever opens a connection in Python fails; the database has a driver of its own."""

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise AssertionError("a preview calls nobody")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket.socket, "connect_ex", refuse)
        yield


def preview(client: Client, project: Project, body: Any) -> Any:
    """Paste a payload, as text or to be made JSON."""
    payload = body if isinstance(body, str) else raw(body).decode()
    with no_network():
        return client.post(f"{PREVIEW}{project.pk}/", {"payload": payload})


def people(response: Any) -> list[Any]:
    """What would become of it for each person."""
    text_of(response)
    return list(response.context["people"])


def problem(response: Any) -> str:
    """What is said to be wrong with the payload."""
    text_of(response)
    return " ".join(response.context["form"].errors["payload"])


# --- What is seen ---------------------------------------------------------------------------------------------------


def test_a_pasted_webhook_shows_the_calls_with_their_bodies(admin_client: Client, project: Project) -> None:
    response = preview(admin_client, project, webhook(app_user_id="ada"))
    (person,) = people(response)
    assert [call.method for call in person.calls] == ["GET", "POST", "POST"]
    page = text_of(response)
    assert "3 calls" in page and "POST /events" in page and "rc_renewal_event" in page
    assert not Customer.objects.exists() and not DeliveryAttempt.objects.exists() and not WebhookEvent.objects.exists()


def test_an_event_without_the_body_around_it_will_do(admin_client: Client, project: Project) -> None:
    assert people(preview(admin_client, project, webhook()["event"]))[0].person == "user-1"


def test_the_calls_are_those_that_the_drain_then_makes(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    for name in ("latest_store", "latest_entitlement", "subscription_status"):
        intercom.add_attribute(name, "string")
    intercom.add_attribute("expires_at", "date")
    event = receive(project).webhook_event
    with no_network():
        (person,) = people(admin_client.get(PREVIEW, {"event": event.pk}))
    run_drain(project)
    assert [(call.method, call.path) for call in person.calls] == [(call.method, call.path) for call in intercom.ledger]


def test_a_stored_event_can_be_changed_and_tried_again(admin_client: Client, project: Project) -> None:
    event = receive(project, product_id="weekly").webhook_event
    response = admin_client.get(PREVIEW, {"event": event.pk})
    assert "&quot;product_id&quot;: &quot;weekly&quot;" in text_of(response)
    assert json.loads(response.context["form"].initial["payload"]) == event.payload
    assert f'href="/admin/integration/webhookevent/{event.pk}/change/"' in text_of(response)


def test_the_newest_events_of_the_project_are_there_to_pick(admin_client: Client, project: Project) -> None:
    other = make_project("Another")
    receive(other, app_user_id="somebody-else")
    events = [receive(project, app_user_id=f"user-{number}").webhook_event for number in range(12)]
    page = text_of(admin_client.get(PREVIEW, {"project": str(project.pk)}))
    shown = [event for event in events if f'href="?event={event.pk}#answer"' in page]
    assert shown == events[2:] and "somebody-else" not in page


def test_an_event_to_pick_says_what_it_is_of_whom_and_when(admin_client: Client, project: Project) -> None:
    receive(project, app_user_id="ada", product_id="weekly", environment="SANDBOX")
    row = admin_client.get(PREVIEW, {"project": str(project.pk)}).context["newest"]["rows"][0]
    event = WebhookEvent.objects.get()
    assert ">RENEWAL</a>" in row[0] and "weekly, sandbox" in row[0]
    assert "ada" in row[1] and f"{event.received_at:%Y-%m-%d %H:%M:%S} UTC" in row[1]


def test_both_sides_of_a_transfer_are_shown(admin_client: Client, project: Project) -> None:
    EventSetting.objects.create(project=project, event_type="transfer")
    found = people(preview(admin_client, project, load_sample("transfer")))
    assert [one.person for one in found] == ["user_14455", "user_15026"] and all(one.calls for one in found)


# --- Why not ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "setting"),
    [
        ({"environment": "SANDBOX"}, "sandbox"),
        ({"event_type": "PAYWALL_CLOSE"}, "event_paywall_close_send"),
        ({"event_type": "NEVER_HEARD_OF"}, "custom_types"),
        ({"event_type": "EXPIRATION"}, "event_expiration_send"),
        ({"app_user_id": "$RCAnonymousID:1"}, "anonymous"),
    ],
)
def test_the_one_setting_is_named_and_linked(
    admin_client: Client, project: Project, fields: dict[str, str], setting: str
) -> None:
    Project.objects.update(anonymous="skip")
    EventSetting.objects.create(project=project, event_type="expiration", enabled=False)
    response = preview(admin_client, project, webhook(**{"app_user_id": "user-1", **fields}))
    (person,) = people(response)
    assert person.sentence and person.setting.url == f"{project_url(project)}#id_{setting}"
    page = text_of(response)
    assert f'href="{person.setting.url}"' in page
    assert f'id="id_{setting}"' in text_of(admin_client.get(project_url(project))), "where the link leads"


def test_a_contact_that_may_not_be_created_names_that_setting(admin_client: Client, project: Project) -> None:
    Project.objects.update(missing_contact="never_create")
    response = preview(admin_client, project, webhook())
    (person,) = people(response)
    assert person.setting.url.endswith("#id_missing_contact") and "Would not get through" in text_of(response)


def test_what_no_setting_decides_has_no_link(admin_client: Client, project: Project) -> None:
    for body in (webhook("TEST"), webhook(app_user_id=None, aliases=[])):
        (person,) = people(preview(admin_client, project, body))
        assert person.sentence and person.setting is None and not person.calls


def test_what_is_only_logged_shows_its_calls(admin_client: Client, project: Project) -> None:
    Project.objects.update(sandbox="log")
    response = preview(admin_client, project, webhook(environment="SANDBOX"))
    assert "Would only be logged" in text_of(response) and "POST /events" in text_of(response)


def test_who_waits_for_a_name_is_said_to_wait_unless_the_event_names_them(
    admin_client: Client, project: Project
) -> None:
    Project.objects.update(anonymous="hold")
    anonymous = "$RCAnonymousID:1"
    waits = preview(admin_client, project, webhook(app_user_id=anonymous, aliases=[anonymous]))
    assert "Would wait" in text_of(waits)
    named = preview(admin_client, project, webhook(app_user_id=anonymous, aliases=[anonymous, "ada"]))
    assert "/contacts/find_by_external_id/ada" in text_of(named)


def test_a_project_that_sends_nothing_says_so_and_what_it_would_send(admin_client: Client, project: Project) -> None:
    Project.objects.update(active=False, intercom_token=Secret.of(""))
    page = text_of(preview(admin_client, project, webhook()))
    assert "is switched off" in page and "has no Intercom access token" in page and "POST /events" in page
    assert f"{project_url(project)}#id_active" in page


def test_a_handed_over_event_is_shown_as_the_other_project_sends_it(admin_client: Client, project: Project) -> None:
    other = make_project("Elsewhere", sandbox="send")
    EventSetting.objects.create(project=other, event_type="renewal", custom_name="renewed there")
    Project.objects.filter(pk=project.pk).update(sandbox="other", sandbox_project=other)
    page = text_of(preview(admin_client, project, webhook(environment="SANDBOX")))
    assert "hands it to “Elsewhere”" in page and "renewed there" in page


# --- What is pasted -------------------------------------------------------------------------------------------------


def test_json_that_is_none_is_said_with_line_and_column(admin_client: Client, project: Project) -> None:
    assert "Line 3, column 3" in problem(preview(admin_client, project, '\n{"event": {}\n  x}'))
    assert "Line 1, column 1" in problem(preview(admin_client, project, "<html>"))


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ("[]", "must be a JSON object"),
        ('{"event": {"type": "RENEWAL"}}', "event.id"),
        ('{"event": 1}', "event"),
        ("[" * 100_000, "levels deep"),
        ('{"id": "1", "type": "TEST", "x": ' + "[" * 70 + "]" * 70 + "}", "levels deep"),
    ],
)
def test_what_the_door_would_refuse_is_said(admin_client: Client, project: Project, payload: str, said: str) -> None:
    assert said in problem(preview(admin_client, project, payload))


def test_too_large_a_payload_is_refused(admin_client: Client, project: Project) -> None:
    large = raw(webhook(note="x" * LARGEST_BODY)).decode()
    assert "larger than 1 MiB" in problem(preview(admin_client, project, large))
    # What Django reads of a form at all.
    assert preview(admin_client, project, "x" * 4 * LARGEST_BODY).status_code == 400


def test_odd_letters_are_shown_escaped(admin_client: Client, project: Project) -> None:
    page = text_of(preview(admin_client, project, webhook(app_user_id="<script>alert(1)</script>")))
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_nothing_pasted_is_no_mistake(admin_client: Client, project: Project) -> None:
    assert not preview(admin_client, project, "  ").context["form"].errors


@pytest.mark.parametrize(
    "query", ["?event=0", "?event=x", "?event=²", f"?event={10**30}", "?project=x", "?project=%00"]
)
def test_what_is_not_there_is_not_found(admin_client: Client, project: Project, query: str) -> None:
    assert admin_client.get(f"{PREVIEW}{query}").status_code == 404


# --- Who sees it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [("Viewer", 403), ("Support", 200), ("Integration admin", 200)])
def test_a_role_previews_only_where_it_may_read_payloads(
    client: Client, project: Project, role: str, status: int
) -> None:
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.set([Group.objects.get(name=role)])
    project.members.add(user)
    client.force_login(user)
    event = receive(project).webhook_event
    assert client.get(PREVIEW).status_code == status
    assert client.get(PREVIEW, {"event": event.pk}).status_code == status
    assert preview(client, project, webhook()).status_code == status
    index = client.get("/admin/").content.decode()
    assert (f'href="{PREVIEW}"' in index) is (status == 200)


def test_who_may_not_open_the_settings_gets_no_link_to_them(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_payload")
    (person,) = people(preview(client, project, webhook(environment="SANDBOX")))
    assert "Sandbox events" in person.sentence and person.setting is None


def test_members_see_their_own_projects_and_no_others(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_payload", "view_project")
    foreign = make_project("Foreign")
    event = receive(foreign, app_user_id="stranger").webhook_event
    for response in (
        client.get(PREVIEW, {"event": event.pk}),
        client.get(PREVIEW, {"project": str(foreign.pk)}),
        client.get(f"{PREVIEW}{foreign.pk}/"),
        client.post(f"{PREVIEW}{project.pk}/", {"event": event.pk}),
        preview(client, foreign, webhook()),
    ):
        assert response.status_code == 404 and b"Foreign" not in response.content
    page = text_of(client.get(PREVIEW))
    assert "Larkfield" in page and "Foreign" not in page and "stranger" not in page


def test_a_project_that_is_not_seen_does_not_show_how_it_would_send(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_payload")
    other = make_project("Elsewhere", sandbox="send")
    Project.objects.filter(pk=project.pk).update(sandbox="other", sandbox_project=other)
    page = text_of(preview(client, project, webhook(environment="SANDBOX")))
    assert "which you do not see" in page and "Elsewhere" not in page and "POST /events" not in page


def test_who_is_a_member_of_nothing_is_told_so(sign_in: SignIn) -> None:
    assert "no project that you are a member of" in text_of(sign_in("view_payload").get(PREVIEW))


def test_a_payload_needs_the_token_of_the_form(project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("admin"))
    assert preview(client, project, webhook()).status_code == 403
    page = text_of(client.get(PREVIEW))
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    data = {"payload": raw(webhook()).decode(), "csrfmiddlewaretoken": token}
    assert client.post(f"{PREVIEW}{project.pk}/", data).status_code == 200


def test_the_address_has_a_name() -> None:
    assert reverse("admin:integration_preview") == PREVIEW


def test_it_asks_few_questions_however_many_events_there_are(
    admin_client: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        event = receive(project).webhook_event
    text_of(admin_client.get(PREVIEW))
    with django_assert_max_num_queries(6):
        text_of(admin_client.get(PREVIEW))
    with django_assert_max_num_queries(10):
        text_of(admin_client.get(PREVIEW, {"event": event.pk}))
