"""
How projects stand, found out once a minute: who has gone silent, and of whom nothing gets through.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from integration.models import Project, ProjectStanding, WebhookEvent
from integration.models.recounting import count_on
from integration.models.standings import MOST_FAILED, look_after, troubles
from tests.factories import make_project, receive
from tests.models.aged import aged

Queries = Callable[..., Any]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW = timezone.now()


@pytest.fixture
def project(db: None) -> Project:
    """A project that is ready to send."""
    return make_project("Larkfield")


@pytest.fixture
def regular(project: Project) -> Project:
    """The same, with a webhook every six hours for a week, the last one two days ago."""
    for hours in range(48, 48 + 7 * 24, 6):
        aged(project, NOW - hours * HOUR)
    # The newest one is the one that was stored last.
    newest = WebhookEvent.objects.order_by("-id").first()
    assert newest is not None
    WebhookEvent.objects.filter(pk=newest.pk).update(received_at=NOW - 48 * HOUR)
    count_on(NOW, go_on=lambda: True)
    return project


def standing(project: Project) -> ProjectStanding:
    """As it is now."""
    return ProjectStanding.objects.get(project=project)


def test_who_used_to_receive_and_does_not_is_silent_until_something_comes(regular: Project) -> None:
    look_after(NOW)
    assert standing(regular).silent_since == NOW - 48 * HOUR
    receive(regular)
    look_after(NOW + MINUTE)
    assert standing(regular).silent_since is None


def test_who_is_silent_stays_so_when_what_it_received_is_pruned(regular: Project) -> None:
    look_after(NOW)
    look_after(NOW + timedelta(days=60))
    WebhookEvent.objects.all().delete()
    look_after(NOW + timedelta(days=61))
    assert standing(regular).silent_since == NOW - 48 * HOUR


def test_who_never_received_is_not_silent(project: Project) -> None:
    look_after(NOW)
    assert standing(project).silent_since is None


def test_who_is_switched_off_is_not_spoken_of(regular: Project) -> None:
    look_after(NOW)
    Project.objects.update(active=False)
    look_after(NOW)
    assert not ProjectStanding.objects.exists()
    assert troubles(User(is_superuser=True), NOW) == []


def test_who_gets_nothing_through_is_stuck_until_something_does(project: Project) -> None:
    for minutes in (20, 25, 30):
        aged(project, NOW - minutes * MINUTE, "pending", tries=4, due_at=NOW + MINUTE)
    look_after(NOW)
    assert (standing(project).stuck_since, standing(project).retrying) == (NOW - 30 * MINUTE, 3)
    aged(project, NOW - 2 * MINUTE)
    look_after(NOW)
    assert (standing(project).stuck_since, standing(project).retrying) == (None, 0)


def test_history_that_comes_due_later_is_not_stuck(project: Project) -> None:
    for minutes in (20, 25, 30):
        aged(project, NOW - minutes * MINUTE, "pending", tries=0, due_at=NOW + HOUR)
    look_after(NOW)
    assert standing(project).stuck_since is None


def test_a_standing_that_has_not_changed_is_not_written(regular: Project, django_assert_num_queries: Queries) -> None:
    receive(regular)
    look_after(NOW)
    with django_assert_num_queries(3) as asked:
        look_after(NOW)
    assert not [query for query in asked if query["sql"].startswith(("INSERT", "UPDATE"))]


def test_failures_are_told_of_for_a_day_and_only_while_they_are_failures(project: Project) -> None:
    superuser = User(is_superuser=True)
    aged(project, NOW - 30 * HOUR, "failed", took=5 * 3600)
    assert troubles(superuser, NOW) == []
    delivery = aged(project, NOW - 30 * HOUR, "failed", took=7 * 3600)
    assert [(one.name, one.failed) for one in troubles(superuser, NOW)] == [("Larkfield", 1)]
    type(delivery).objects.filter(pk=delivery.pk).requeue(NOW)
    assert troubles(superuser, NOW) == []


def test_failures_are_not_counted_for_ever(project: Project) -> None:
    for _ in range(MOST_FAILED + 5):
        aged(project, NOW - HOUR, "failed")
    assert [one.failed for one in troubles(User(is_superuser=True), NOW)] == [MOST_FAILED + 1]


def test_a_hold_that_ends_by_itself_calls_for_nobody(project: Project) -> None:
    project.hold("Too many calls.", NOW, until=NOW + MINUTE)
    assert troubles(User(is_superuser=True), NOW) == []
    project.hold("The token was refused.", NOW, until=None)
    assert [one.hold_reason for one in troubles(User(is_superuser=True), NOW)] == ["The token was refused."]
