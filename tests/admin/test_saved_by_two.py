"""
Two people have the same project's page open: the one who saves later is told, keeps what was entered, and overwrites
nothing unseen.
"""

from __future__ import annotations

import html
import threading
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from integration.models import EventSetting, Project
from integration.models.secrets import Secret
from tests.admin.conftest import act, entered, project_url, save, text_of
from tests.factories import SIGNING_SECRET, receive, run_drain
from tests.processes import outside_params, until

NEW_TOKEN = "dG9rOmFub3RoZXItdG9rZW4tOTg3NjU0MzIxMA=="
CONFLICT = "changed this project since you opened it"


def client_of(name: str) -> Client:
    """A superuser, signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser(name))
    return client


@pytest.fixture
def ada(project: Project) -> Client:
    """She saves first."""
    return client_of("ada")


@pytest.fixture
def bo(project: Project) -> Client:
    """He saves later."""
    return client_of("bo")


def notes(response: Any) -> dict[str, str]:
    """What stands next to the fields."""
    return {name: " ".join(errors) for name, errors in response.context["adminform"].form.errors.items()}


def shown(response: Any, field: str) -> Any:
    """What stands in a field."""
    return response.context["adminform"].form[field].value()


def again(client: Client, response: Any, project: Project) -> Any:
    """Press “Save” on the page that came back."""
    form = response.context["adminform"].form
    posted = {name: form.data.getlist(name) for name in form.data}
    return client.post(project_url(project), posted, follow=True)


def test_the_second_save_says_who_changed_what_and_saves_nothing(ada: Client, bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), name="Renamed", event_renewal_name="again")
    save(ada, project_url(project), region="eu", event_expiration_name="over")
    response = bo.post(project_url(project), his)
    page = html.unescape(text_of(response))
    assert f"Nothing was saved yet: ada {CONFLICT}" in page
    assert '<a href="#id_region"' in page and '<a href="#id_event_expiration"' in page
    assert set(notes(response)) == {"region", "event_expiration"}
    project.refresh_from_db()
    assert (project.name, project.region) == ("Larkfield", "eu") and LogEntry.objects.count() == 1


def test_what_was_entered_is_kept_and_the_other_fields_show_what_is_stored(
    ada: Client, bo: Client, project: Project
) -> None:
    his = entered(bo, project_url(project), name="Renamed", event_renewal_name="again")
    hers = {"region": "eu", "active": False, "contact_facts": ["store"], "product_names": "weekly = Every week"}
    save(ada, project_url(project), **hers, event_expiration_send=False)
    response = bo.post(project_url(project), his)
    assert (shown(response, "name"), shown(response, "event_renewal")[0]) == ("Renamed", "again")
    assert (shown(response, "region"), shown(response, "active")) == ("eu", False)
    assert shown(response, "contact_facts") == ["store"] and shown(response, "product_names") == "weekly = Every week"
    assert shown(response, "event_expiration") == ["", False]
    assert CONFLICT not in text_of(again(bo, response, project))
    project.refresh_from_db()
    assert (project.name, project.region, project.active) == ("Renamed", "eu", False)
    assert project.contact_facts == ["store"] and project.product_names == {"weekly": "Every week"}
    stored = set(EventSetting.objects.values_list("event_type", "enabled", "custom_name"))
    assert stored == {("renewal", True, "again"), ("expiration", False, "")}


def test_what_both_have_changed_shows_both_values(ada: Client, bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), region="au")
    save(ada, project_url(project), region="eu")
    response = bo.post(project_url(project), his)
    assert "to: Europe. Saving puts your value in its place." in notes(response)["region"]
    assert shown(response, "region") == "au"
    again(bo, response, project)
    assert Project.objects.get().region == "au"


def test_whoever_saves_in_between_once_more_is_found_once_more(ada: Client, bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), name="Renamed")
    save(ada, project_url(project), region="eu")
    response = bo.post(project_url(project), his)
    save(ada, project_url(project), keep_successes_days="7")
    response = again(bo, response, project)
    assert set(notes(response)) == {"keep_successes_days"}
    again(bo, response, project)
    project.refresh_from_db()
    assert (project.name, project.region, project.keep_successes_days) == ("Renamed", "eu", 7)


def test_members_whom_somebody_else_has_let_in_stay_members(ada: Client, bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), name="Renamed")
    cy = User.objects.create_user("cy", is_staff=True)
    save(ada, project_url(project), members=[cy.pk])
    response = bo.post(project_url(project), his)
    assert set(notes(response)) == {"members"}
    again(bo, response, project)
    assert list(project.members.all()) == [cy] and Project.objects.get().name == "Renamed"


def test_a_secret_that_somebody_else_replaced_is_said_and_kept(ada: Client, bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), name="Renamed")
    save(ada, project_url(project), new_intercom_token=NEW_TOKEN)
    response = bo.post(project_url(project), his)
    assert set(notes(response)) == {"new_intercom_token"} and NEW_TOKEN not in text_of(response)
    again(bo, response, project)
    project.refresh_from_db()
    assert project.name == "Renamed" and project.intercom_token.reveal() == NEW_TOKEN


def test_a_secret_that_one_has_entered_is_to_be_entered_again(ada: Client, bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), new_signing_secret=SIGNING_SECRET)
    save(ada, project_url(project), region="eu")
    response = bo.post(project_url(project), his)
    assert "Enter this again" in notes(response)["new_signing_secret"]
    assert SIGNING_SECRET not in text_of(response)
    assert not Project.objects.get().signing_secret


def test_what_the_app_writes_is_nobodys_change(bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), name="Renamed")
    receive(project)
    run_drain(project)
    project.hold("Intercom answered 401.", timezone.now(), until=timezone.now() + timedelta(minutes=1))
    act(client_of("ada"), project_url(project, "check_connection"))
    Project.objects.update(webhook_seen_at=timezone.now(), forgotten_customers=3, test_event_id="TEST1")
    project.refresh_from_db()
    # As after a change of the encryption key.
    project.intercom_token = Secret.of(project.intercom_token.reveal())
    project.save()
    assert CONFLICT not in text_of(bo.post(project_url(project), his, follow=True))
    assert Project.objects.get().name == "Renamed"


def test_pressing_save_twice_is_no_conflict_with_oneself(bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), region="eu", event_renewal_name="again", new_intercom_token=NEW_TOKEN)
    for _ in range(2):
        assert CONFLICT not in text_of(bo.post(project_url(project), his, follow=True))
    assert Project.objects.get().region == "eu"


def test_what_is_wrong_otherwise_is_said_first(ada: Client, bo: Client, project: Project) -> None:
    his = entered(bo, project_url(project), keep_failures_days="-1", name="Renamed")
    save(ada, project_url(project), region="eu")
    response = bo.post(project_url(project), his)
    assert set(notes(response)) == {"keep_failures_days"}
    response = bo.post(project_url(project), {**his, "keep_failures_days": "9"})
    assert set(notes(response)) == {"region"}


@pytest.mark.parametrize("marks", ["", "x", "[]", '{"region": 1}', '{"at": "2026-99-99", "region": "x"}'])
def test_marks_that_are_none_of_ours_break_nothing(bo: Client, project: Project, marks: str) -> None:
    his = entered(bo, project_url(project), name="Renamed")
    assert bo.post(project_url(project), {**his, "opened": marks}).status_code in (200, 302)


def test_a_mark_gives_no_secret_away(bo: Client, project: Project) -> None:
    page = text_of(bo.get(project_url(project)))
    assert 'name="opened"' in page and project.intercom_token.reveal() not in page


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_the_same_moment_the_second_one_sees_what_the_first_one_stores(
    bo: Client, project: Project
) -> None:
    his = entered(bo, project_url(project), name="Renamed")
    answers: list[Any] = []

    def press() -> None:
        try:
            answers.append(bo.post(project_url(project), his))
        finally:
            connection.close()

    with psycopg.connect(**outside_params()) as hers:
        hers.execute("UPDATE integration_project SET region = 'eu'")
        thread = threading.Thread(target=press)
        thread.start()
        until(lambda: _is_waited_for(hers), "the save waits")
        hers.commit()
        thread.join(20)
    assert set(notes(answers[0])) == {"region"} and Project.objects.get().region == "eu"


def _is_waited_for(holder: psycopg.Connection[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))", [holder.info.backend_pid]
        )
        return bool(cursor.fetchone()[0])
