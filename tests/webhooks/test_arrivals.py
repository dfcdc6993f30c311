"""
That webhooks arrive with the present Authorization value is noted on the project: seldom, and never in the way of one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration.models import Project
from integration.webhooks.arrivals import EVERY
from tests.factories import AUTHORIZATION, webhook
from tests.webhooks.conftest import Door


@pytest.fixture
def post(door: Door, django_capture_on_commit_callbacks: Any) -> Any:
    """Posts, and lets happen what follows the commit."""

    def posted(body: Any = None, **options: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            assert door.post(body, **options).status_code == 200

    return posted


def seen(door: Door) -> Any:
    """When one was last noted."""
    return Project.objects.values_list("webhook_seen_at", flat=True).get(pk=door.project.pk)


def test_the_first_webhook_is_noted(door: Door, post: Any) -> None:
    assert seen(door) is None
    post()
    assert timezone.now() - seen(door) < timedelta(minutes=1)


def test_the_next_ones_are_not_until_some_time_has_passed(door: Door, post: Any) -> None:
    post()
    first = seen(door)
    post()
    assert seen(door) == first
    old = first - EVERY - timedelta(seconds=1)
    Project.objects.update(webhook_seen_at=old)
    post()
    assert seen(door) > old


def test_noting_costs_one_statement(
    door: Door, django_capture_on_commit_callbacks: Any, django_assert_num_queries: Any
) -> None:
    Project.objects.update(webhook_seen_at=timezone.now() - EVERY * 2)
    with django_capture_on_commit_callbacks() as after:
        door.post()
    with django_assert_num_queries(1):
        after[-1]()


def test_one_that_was_refused_is_not_noted(door: Door) -> None:
    assert door.post(authorization="Bearer wrong").status_code == 401
    assert seen(door) is None


def test_one_with_the_value_before_the_present_one_is_taken_and_not_noted(door: Door, post: Any) -> None:
    post()
    stored = Project.objects.get()
    stored.rotate_authorization(timezone.now())
    assert seen(door) is None
    post(authorization=AUTHORIZATION)
    assert seen(door) is None
    post(authorization=stored.authorization.reveal())
    assert seen(door) is not None


def test_a_test_from_here_is_not_noted(door: Door, post: Any) -> None:
    post(body=webhook(id="TEST-0815"))
    assert seen(door) is None
