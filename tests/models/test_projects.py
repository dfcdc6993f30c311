"""What a project decides by itself: who is admitted while a value is being rotated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django import Settings

from integration.models import Project

pytestmark = pytest.mark.django_db


def saved_project() -> Project:
    """A project like any new one."""
    project = Project.prepared(name="Rotating", intercom_token="tok_0123456789", now=timezone.now())
    project.save()
    return Project.objects.get()


def test_the_old_value_is_admitted_until_the_overlap_ends() -> None:
    project, now = saved_project(), timezone.now()
    old = project.authorization.reveal()
    project.rotate_authorization(now, overlap=timedelta(hours=1))
    project = Project.objects.get()
    assert project.authorization.reveal() != old
    assert project.admits(project.authorization.reveal(), now)
    assert project.admits(old, now + timedelta(minutes=59))
    assert not project.admits(old, now + timedelta(hours=1))


def test_rotating_an_unreadable_value_makes_the_door_work_again_at_once(settings: Settings) -> None:
    project, now = saved_project(), timezone.now()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    project.rotate_authorization(now)
    project = Project.objects.get()
    assert project.admits(project.authorization.reveal(), now)
