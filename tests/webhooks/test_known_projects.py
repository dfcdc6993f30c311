"""
A web process remembers projects, and yet every webhook is judged by what is stored at that moment.
"""

from __future__ import annotations

import pytest
from django.utils import timezone

from integration.envelopes import parse_envelope
from integration.models import Delivery, Project
from tests.factories import AUTHORIZATION, make_project, raw, webhook
from tests.webhooks.conftest import Door

pytestmark = pytest.mark.django_db


def _rewritten(project: Project, **fields: object) -> None:
    """As another process would write it, without a word to this one."""
    Project.objects.filter(pk=project.pk).update(**fields)


def test_a_value_that_was_replaced_meanwhile_is_refused_and_its_successor_admitted() -> None:
    project = make_project()
    door = Door(project)
    assert door.post(webhook()).status_code == 200
    stored = Project.objects.get(pk=project.pk)
    stored.rotate_authorization(timezone.now())
    _rewritten(stored, previous_authorization_until=timezone.now())

    assert door.post(webhook(), authorization=AUTHORIZATION).status_code == 401
    assert door.post(webhook(), authorization=stored.authorization.reveal()).json() == {"status": "accepted"}
    assert Delivery.objects.filter(project=project).count() == 2


def test_a_project_that_was_deleted_meanwhile_is_404_and_nothing_is_stored() -> None:
    project = make_project()
    door = Door(project)
    assert door.post(webhook()).status_code == 200
    Project.objects.filter(pk=project.pk).delete()

    assert door.post(webhook()).status_code == 404
    assert not Delivery.objects.exists()


def test_a_change_that_is_not_about_the_door_costs_one_more_look_and_no_event() -> None:
    project = make_project()
    door = Door(project)
    door.post(webhook())
    _rewritten(project, hold_reason="Something else")

    assert door.post(webhook()).json() == {"status": "accepted"}
    assert Delivery.objects.filter(project=project).count() == 2


def test_nothing_is_stored_for_a_project_whose_row_has_been_written_since() -> None:
    project = make_project()
    old = Project.objects.with_version().get(pk=project.pk).version
    _rewritten(project, name="Renamed")
    new = Project.objects.with_version().get(pk=project.pk).version
    envelope = parse_envelope(raw(webhook()))

    assert Delivery.objects.accept(project.pk, envelope, timezone.now(), version=old) is None
    assert not Delivery.objects.exists()
    accepted = Delivery.objects.accept(project.pk, envelope, timezone.now(), version=new)
    assert accepted
    assert accepted.is_new
