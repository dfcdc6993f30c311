"""
The identity queue in the admin: who waits and why, saying who it is, and who may.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from integration.models import Delivery, IdentityCase, IdentityLink, Project
from integration.models.forgetting import Person
from integration.models.retention import pruning
from tests.admin.conftest import SignIn, act, project_url, save, text_of, was_rung
from tests.factories import NEW_YEAR_MS, receive, run_drain
from tests.fake_intercom import FakeIntercom

LIST = "/admin/integration/identitycase/"
EMAIL = {"$email": {"value": "ada@example.com", "updated_at_ms": 1}}
ANON = "$RCAnonymousID:0123"


@pytest.fixture
def ambiguous(project: Project, intercom: FakeIntercom) -> IdentityCase:
    """Somebody whose email two contacts have; two of their deliveries wait."""
    project.identity = ["email"]
    project.save()
    intercom.add_contact("a", email="ada@example.com", fields={"name": "Ada at work"})
    intercom.add_contact("b", email="ada@example.com", fields={"name": "Ada at home"})
    for second in range(2):
        receive(project, subscriber_attributes=EMAIL, event_timestamp_ms=NEW_YEAR_MS + 1000 * second)
    run_drain(project)
    return IdentityCase.objects.get()


def url_of(case: IdentityCase, action: str = "change") -> str:
    """An address of the case."""
    return f"{LIST}{case.pk}/{action}/"


def test_the_queue_shows_who_waits_why_and_how_many(admin_client: Client, ambiguous: IdentityCase) -> None:
    page = text_of(admin_client.get(LIST))
    assert "user-1" in page and "Several contacts in Intercom" in page and "2 deliveries" in page
    dialog = text_of(admin_client.get(url_of(ambiguous, "resolve")))
    assert "Ada at work, ada@example.com, a" in dialog and "Ada at home, ada@example.com, b" in dialog


def test_a_contact_that_is_chosen_once_gets_all_events(
    admin_client: Client,
    ambiguous: IdentityCase,
    intercom: FakeIntercom,
    project: Project,
    django_capture_on_commit_callbacks: Any,
) -> None:
    chosen = intercom.contact("b")
    with django_capture_on_commit_callbacks(execute=True):
        act(admin_client, url_of(ambiguous, "resolve"), candidate=chosen.id)
    assert was_rung(project)
    run_drain(project)
    assert {event.contact_id for event in intercom.events} == {chosen.id} and len(intercom.events) == 2
    assert "user-1" not in text_of(admin_client.get(LIST))
    assert "user-1" in text_of(admin_client.get(f"{LIST}?state=resolved"))
    assert LogEntry.objects.get().get_change_message() == "Named by hand; 2 deliveries released."


def test_another_id_can_be_entered(
    admin_client: Client, ambiguous: IdentityCase, intercom: FakeIntercom, project: Project
) -> None:
    project.identity = ["app_user_id"]
    project.save()
    act(admin_client, url_of(ambiguous, "resolve"), named="someone-else")
    assert IdentityLink.objects.get().named == "someone-else"


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({}, "exactly one of them"),
        ({"named": "x", "contact_id": "64b"}, "exactly one of them"),
        ({"named": ANON}, "anonymous too"),
        ({"contact_id": "https://app.intercom.com"}, "Enter a valid value"),
        ({"candidate": "64b-of-somebody-else"}, "not one of the available choices"),
    ],
)
def test_what_does_not_say_who_it_is_is_refused(
    admin_client: Client, ambiguous: IdentityCase, answers: dict[str, Any], problem: str
) -> None:
    page = text_of(act(admin_client, url_of(ambiguous, "resolve"), **answers))
    assert problem in page
    assert not IdentityLink.objects.exists() and Delivery.objects.all().waiting().count() == 2


def test_try_again_sends_after_the_contacts_were_merged(
    admin_client: Client, ambiguous: IdentityCase, intercom: FakeIntercom, project: Project
) -> None:
    intercom.contact("a").archived = True
    act(admin_client, url_of(ambiguous, "retry"))
    run_drain(project)
    assert len(intercom.events) == 2


def test_other_settings_release_what_waits(
    admin_client: Client, project: Project, intercom: FakeIntercom, django_capture_on_commit_callbacks: Any
) -> None:
    project.anonymous = "hold"
    project.save()
    receive(project, app_user_id=ANON, aliases=[ANON])
    run_drain(project)
    with django_capture_on_commit_callbacks(execute=True):
        save(admin_client, project_url(project), anonymous="send", _impact_confirmed="1")
    assert was_rung(project)
    run_drain(project)
    assert len(intercom.events_of(ANON)) == 1


def test_support_may_name_and_a_viewer_may_only_look(
    sign_in: SignIn, ambiguous: IdentityCase, project: Project
) -> None:
    viewer = sign_in("view_identitycase")
    assert viewer.get(LIST).status_code == 200
    assert viewer.get(url_of(ambiguous, "resolve")).status_code == 403


def test_who_waits_is_forgotten_with_the_customer(ambiguous: IdentityCase, project: Project) -> None:
    IdentityLink.objects.decide(project, "user-1", contact_id="64b")
    Person.find(project, "user-1").forget(timezone.now())
    assert not IdentityCase.objects.exists() and not IdentityLink.objects.exists()


def test_a_case_that_is_closed_keeps_no_candidates_and_goes_with_the_log(
    admin_client: Client, ambiguous: IdentityCase, project: Project
) -> None:
    act(admin_client, url_of(ambiguous, "retry"))
    assert IdentityCase.objects.get().candidates == []
    assert not list(pruning(timezone.now() + timedelta(days=29)))
    assert IdentityCase.objects.exists()
    list(pruning(timezone.now() + timedelta(days=31)))
    assert not IdentityCase.objects.exists()
