"""
Sandbox events in another workspace: another project sends them, with its own token, settings, hold and customers.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integration.models import Customer, Delivery, EventSetting, Project
from integration.models.forgetting import Person
from tests.factories import NEW_YEAR_MS, make_project, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom

OTHER_TOKEN = "dG9rOnRoZS1vdGhlci13b3Jrc3BhY2UtOTg3NjU0MzIx"


@pytest.fixture
def other(project: Project) -> Project:
    """The project for the sandbox; `project` hands its sandbox events over to it."""
    other = make_project("Sandbox", token=OTHER_TOKEN, sandbox="send")
    project.sandbox, project.sandbox_project = "other", other
    project.save()
    return other


def tokens(intercom: FakeIntercom) -> set[str]:
    """The ends of the access tokens that Intercom has seen; the stand-in keeps no more of them."""
    return {call.headers["authorization"][-4:] for call in intercom.ledger}


def test_they_are_sent_with_the_other_token_and_the_other_settings(
    project: Project, other: Project, intercom: FakeIntercom
) -> None:
    EventSetting.objects.create(project=other, event_type="renewal", custom_name="sandbox renewal")
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    assert not intercom.ledger
    assert refreshed(delivery).project == other
    run_drain(other)
    assert refreshed(delivery).status == "delivered"
    assert tokens(intercom) == {OTHER_TOKEN[-4:]}
    assert [event.event_name for event in intercom.events] == ["sandbox renewal"]
    assert Customer.objects.get().project == other


def test_production_stays_where_it_is(project: Project, other: Project, intercom: FakeIntercom) -> None:
    receive(project)
    receive(project, environment="SANDBOX", event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    assert len(intercom.events) == 1 and tokens(intercom) != {OTHER_TOKEN[-4:]}
    assert Delivery.objects.filter(project=other, status="pending").count() == 1


def test_a_hold_of_one_does_not_stop_the_other(project: Project, other: Project, intercom: FakeIntercom) -> None:
    other.hold("The token was refused.", timezone.now(), until=None)
    receive(project, environment="SANDBOX")
    receive(project, app_user_id="user-2")
    run_drain(project)
    run_drain(other)
    assert len(intercom.events) == 1
    other.resume()
    run_drain(other)
    assert len(intercom.events) == 2


def test_it_is_handed_over_once_and_never_sent_round_in_circles(
    project: Project, other: Project, intercom: FakeIntercom
) -> None:
    other.sandbox, other.sandbox_project = "other", project
    other.save()
    delivery = receive(project, environment="SANDBOX")
    for one in (project, other, project, other):
        run_drain(one)
    row = refreshed(delivery)
    assert (row.project, row.status, row.reason) == (other, "skipped", "sandbox")


def test_while_nobody_is_named_they_are_skipped(project: Project, intercom: FakeIntercom) -> None:
    project.sandbox = "other"
    project.save()
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    assert refreshed(delivery).reason == "sandbox"


@pytest.mark.parametrize("fields", [{"event_type": "TEST"}])
def test_revenuecats_test_event_is_nobodys(project: Project, other: Project, fields: dict[str, Any]) -> None:
    delivery = receive(project, environment="SANDBOX", **fields)
    run_drain(project)
    assert (refreshed(delivery).project, refreshed(delivery).reason) == (project, "test_event")


def test_who_is_forgotten_is_forgotten_in_both(project: Project, other: Project, intercom: FakeIntercom) -> None:
    receive(project, environment="SANDBOX")
    receive(project, event_timestamp_ms=NEW_YEAR_MS + 1000)
    run_drain(project)
    run_drain(other)
    assert Customer.objects.count() == 2
    Person.find(project, "user-1").forget(timezone.now())
    assert not Customer.objects.exists() and not Delivery.objects.exists()


def test_the_other_projects_own_deliveries_do_not_keep_anybody_from_being_forgotten(
    project: Project, other: Project, intercom: FakeIntercom
) -> None:
    receive(project, environment="SANDBOX")
    own = receive(other)
    for one in (project, other):
        run_drain(one)
    Person.find(project, "user-1").forget(timezone.now())
    assert list(Delivery.objects.all()) == [own]
    project.sandbox_project = None
    project.save()
    assert not Customer.objects.filter(project=project).exists()
