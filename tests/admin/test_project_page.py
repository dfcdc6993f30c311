"""
The settings page as it is shown: what is there to copy, what is never shown, and what is said when something is wrong.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from integration.event_types import CATALOGUE
from integration.models import Project
from integration.models.secrets import Secret
from tests.admin.conftest import SignIn, project_url, text_of
from tests.factories import AUTHORIZATION, SIGNING_SECRET, TOKEN, make_project, receive

LIST = "/admin/integration/project/"


def test_the_webhook_url_and_the_authorization_value_are_there_to_copy(admin_client: Client, project: Project) -> None:
    page = text_of(admin_client.get(project_url(project)))
    assert f'data-copy="https://hooks.example.com/webhooks/revenuecat/{project.pk}/"' in page
    assert f'data-copy="{AUTHORIZATION}"' in page
    assert "integration/copy.js" in page


def test_the_access_token_and_the_signing_secret_are_never_shown(admin_client: Client, project: Project) -> None:
    project.signing_secret = Secret.of(SIGNING_SECRET)
    project.save()
    for url in (LIST, project_url(project), project_url(project, "history"), project_url(project, "check_connection")):
        page = text_of(admin_client.get(url))
        assert TOKEN not in page and SIGNING_SECRET not in page
        assert project.intercom_token.ciphertext not in page
    page = text_of(admin_client.get(project_url(project)))
    assert f"Stored: …{TOKEN[-4:]}." in page and f"Stored: …{SIGNING_SECRET[-4:]}." in page


def test_what_was_typed_into_a_secret_field_is_not_shown_again_after_an_error(
    admin_client: Client, project: Project
) -> None:
    page = text_of(admin_client.post(project_url(project), {"name": "", "new_intercom_token": "typed-token-0815"}))
    assert "This field is required" in page and "typed-token-0815" not in page


def test_every_event_type_of_the_catalogue_is_a_row_in_its_order(admin_client: Client, project: Project) -> None:
    page = text_of(admin_client.get(project_url(project)))
    places = [page.index(f'placeholder="{row.default_name}"') for row in CATALOGUE]
    assert places == sorted(places)
    for row in CATALOGUE:
        assert escape(row.label) in page and escape(row.description) in page
        assert (f'name="event_{row.event_type}_send"' in page) is row.optional


def test_a_held_project_says_why_and_since_when_and_offers_to_resume(admin_client: Client, project: Project) -> None:
    assert "Resume" not in text_of(admin_client.get(project_url(project)))
    project.hold("Intercom answered 401: Access Token Invalid.", timezone.now(), until=None)
    page = text_of(admin_client.get(project_url(project)))
    assert "until somebody resumes it. Intercom answered 401: Access Token Invalid." in page
    assert project_url(project, "resume") in page
    assert "Held" in text_of(admin_client.get(LIST))


def test_a_hold_with_an_end_says_until_when(admin_client: Client, project: Project) -> None:
    until = timezone.now() + timedelta(minutes=1)
    project.hold("Rate limit.", timezone.now(), until=until)
    page = text_of(admin_client.get(project_url(project)))
    assert f"until {until:%Y-%m-%d %H:%M:%S} UTC; sending goes on by itself then. Rate limit." in page
    assert "Pausing" in text_of(admin_client.get(LIST))


def test_a_project_that_is_switched_off_says_so(admin_client: Client, project: Project) -> None:
    Project.objects.update(active=False)
    assert "Switched off: webhooks are stored" in text_of(admin_client.get(project_url(project)))
    assert "Off" in text_of(admin_client.get(LIST))


def test_secrets_that_cannot_be_read_are_said_and_break_no_page(
    admin_client: Client, project: Project, settings: Any
) -> None:
    project.signing_secret = Secret.of(SIGNING_SECRET)
    project.save()
    delivery = receive(project)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    page = text_of(admin_client.get(project_url(project)))
    for name in ("Authorization value", "signing secret", "Intercom access token"):
        assert f"The {name} cannot be read: it was encrypted with a key that ENCRYPTION_KEYS no longer names." in page
    for url in (LIST, "/admin/integration/delivery/", f"/admin/integration/delivery/{delivery.pk}/change/"):
        text_of(admin_client.get(url))


def test_a_missing_token_is_said(admin_client: Client, project: Project) -> None:
    Project.objects.update(intercom_token=Secret(""))
    assert "No Intercom access token is stored" in text_of(admin_client.get(project_url(project)))


def test_a_missing_authorization_value_says_that_webhooks_are_refused(admin_client: Client, project: Project) -> None:
    Project.objects.update(authorization=Secret(""))
    assert "There is none, so every webhook is refused." in text_of(admin_client.get(project_url(project)))


def test_the_list_counts_what_waits_and_links_to_it(admin_client: Client, project: Project) -> None:
    make_project("Idle")
    for _ in range(3):
        receive(project)
    page = text_of(admin_client.get(LIST))
    link = f"/admin/integration/delivery/?status__exact=pending&amp;project__id__exact={project.pk}"
    assert f'<a href="{link}" class="text-link rc-breakable">3</a>' in page
    assert "Nothing" in page
    assert len(admin_client.get(link.replace("&amp;", "&")).context["cl"].result_list) == 3


def test_who_may_only_look_sees_no_secret_and_cannot_save(project: Project, sign_in: SignIn) -> None:
    client = sign_in("view_project")
    page = text_of(client.get(project_url(project)))
    assert AUTHORIZATION not in page and "new_intercom_token" not in page and "Larkfield" in page
    assert project_url(project, "rotate_authorization") not in page
    assert project_url(project, "check_connection") not in page
    assert client.post(project_url(project), {"name": "Renamed"}).status_code == 403


@pytest.mark.parametrize("url", [LIST, "/admin/", "/admin/auth/user/", "/admin/auth/group/", "/admin/auth/user/add/"])
def test_the_other_pages_open(admin_client: Client, project: Project, url: str) -> None:
    page = text_of(admin_client.get(url))
    for title in ("Projects", "Deliveries", "Webhook events", "Customers"):
        assert title in page


def test_signing_in_leads_to_the_admin(client: Client, admin_user: object) -> None:
    response = client.post("/admin/login/", {"username": "admin", "password": "password"})
    assert response.headers["Location"] == "/admin/"
