"""
The preview of settings that are not saved: the form's values count, nothing is saved, and no secret comes back.
"""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from integration.admin.preview import SETTINGS, UNSAVED
from integration.models import EventSetting, Project
from tests.admin.conftest import SignIn, entered, project_url, text_of
from tests.admin.test_preview import people
from tests.factories import make_project, raw, receive, webhook

SECRET = "dG9rOmEtc2VjcmV0LXRoYXQtbm9ib2R5LXNlZXM="
SECRETS = {"new_intercom_token": SECRET, "new_signing_secret": SECRET, "new_revenuecat_api_key": f"sk_{SECRET[:20]}"}


def preview_url(project: Project) -> str:
    """The address that the button of the settings page posts to."""
    return f"/admin/integration/preview/{project.pk}/"


def preview(client: Client, project: Project, **changes: Any) -> Any:
    """Press the button with these changes in the form."""
    return client.post(preview_url(project), {**entered(client, project_url(project), **changes), UNSAVED: "1"})


def again(client: Client, project: Project, response: Any, **answers: Any) -> Any:
    """Go on from the page, with what it carries along."""
    return client.post(preview_url(project), {SETTINGS: response.context["settings"], **answers})


def test_the_button_stands_on_the_settings_page_and_enter_still_saves(admin_client: Client, project: Project) -> None:
    page = text_of(admin_client.get(project_url(project)))
    assert f'formaction="{preview_url(project)}"' in page and 'formtarget="_blank"' in page
    assert page.index('name="_save"') < page.index(f'name="{UNSAVED}"')


def test_unsaved_settings_count_and_nothing_is_saved(admin_client: Client, project: Project) -> None:
    before = Project.objects.values().get()
    page = preview(admin_client, project, event_renewal_name="renewed", sandbox="send", name="Renamed")
    assert "not saved yet" in text_of(page)
    response = again(admin_client, project, page, payload=raw(webhook(environment="SANDBOX")).decode())
    assert "&quot;renewed&quot;" in text_of(response) and people(response)[0].calls
    assert Project.objects.values().get() == before
    assert not EventSetting.objects.exists() and not LogEntry.objects.exists()


def test_what_differs_is_said(admin_client: Client, project: Project) -> None:
    page = text_of(preview(admin_client, project, event_expiration_send=False))
    assert "Expiration: default name → default name (switched off)" in html.unescape(page)
    assert "nothing differs" in text_of(preview(admin_client, project))


def test_a_stored_event_is_picked_with_the_unsaved_settings(admin_client: Client, project: Project) -> None:
    event = receive(project, event_type="PAYWALL_CLOSE").webhook_event
    page = preview(admin_client, project, event_paywall_close_send=True)
    assert f'name="event" value="{event.pk}"' in text_of(page)
    response = again(admin_client, project, page, event=event.pk)
    assert "rc_paywall_close_event" in text_of(response)
    # And what is changed in it then.
    third = again(admin_client, project, response, payload=raw(webhook("PAYWALL_CLOSE", app_user_id="ada")).decode())
    assert people(third)[0].person == "ada" and "rc_paywall_close_event" in text_of(third)


def test_secrets_are_ignored_and_never_come_back(admin_client: Client, project: Project) -> None:
    page = preview(admin_client, project, sandbox="send", **SECRETS)
    response = again(admin_client, project, page, payload=raw(webhook()).decode(), **SECRETS)
    for answer in (page, response):
        assert not answer.context["unsaved"].errors
        assert SECRET[:20] not in html.unescape(text_of(answer))
    assert not set(SECRETS) & set(json.loads(page.context["settings"]))
    assert "replaced" not in text_of(page)


def test_settings_that_cannot_be_saved_say_why(admin_client: Client, project: Project) -> None:
    page = preview(admin_client, project, event_renewal_name="rc_cancellation_event", identity="nonsense")
    said = html.unescape(text_of(page))
    assert "could not be saved" in said and "has this name already" in said and "is no source of ids" in said
    assert "people" not in again(admin_client, project, page, payload=raw(webhook()).decode()).context


def test_an_unsaved_hand_over_is_followed(admin_client: Client, project: Project) -> None:
    other = make_project("Elsewhere", sandbox="send")
    page = preview(admin_client, project, sandbox="other", sandbox_project=str(other.pk))
    response = again(admin_client, project, page, payload=raw(webhook(environment="SANDBOX")).decode())
    assert "hands it to “Elsewhere”" in text_of(response)


def test_a_hand_over_to_a_project_that_is_not_seen_can_be_kept(sign_in: SignIn, project: Project) -> None:
    client = sign_in("view_payload", "view_project", "change_project")
    other = make_project("Elsewhere", sandbox="send")
    Project.objects.filter(pk=project.pk).update(sandbox="other", sandbox_project=other)
    page = preview(client, project, event_renewal_name="renewed")
    assert not page.context["unsaved"].errors
    response = again(client, project, page, payload=raw(webhook()).decode())
    assert "&quot;renewed&quot;" in text_of(response)


def test_only_who_may_change_settings_previews_others(sign_in: SignIn, project: Project, admin_client: Client) -> None:
    page = preview(admin_client, project, sandbox="send")
    client = sign_in("view_payload", "view_project")
    assert again(client, project, page, payload=raw(webhook()).decode()).status_code == 403
    assert UNSAVED not in text_of(client.get(project_url(project)))


def test_settings_of_a_project_that_is_not_seen_are_not_found(
    sign_in: SignIn, project: Project, admin_client: Client
) -> None:
    page = preview(admin_client, project)
    client = sign_in("view_payload", "view_project", "change_project")
    project.members.clear()
    assert again(client, project, page, payload=raw(webhook()).decode()).status_code == 404


@pytest.mark.parametrize("text", ["", "x", "[]", '{"name": "x"}', '{"name": [1]}', "[" * 100_000])
def test_settings_that_are_none_of_ours_count_for_nothing(admin_client: Client, project: Project, text: str) -> None:
    response = admin_client.post(preview_url(project), {SETTINGS: text, "payload": raw(webhook()).decode()})
    assert response.context["unsaved"] is None and people(response)
