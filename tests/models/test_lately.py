"""
What came in lately is told from rows, and says of every kind of event what planning it anew would say.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration.event_types import CATALOGUE
from integration.mapping import AnonymousRule, EventPolicy, ProjectPolicy, SandboxRule
from integration.mapping.impact import Seen, Settings, Who, outcome
from integration.models import Delivery, EventSetting, Project, WebhookEvent
from integration.models.lately import lately
from integration.revenuecat.samples import load_sample, sample_names
from tests.core.test_impact import shape_of
from tests.factories import make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom

ANONYMOUS = "$RCAnonymousID:6b1f0d8e4c2a47d39a5e7f10c3b28d64"
WEEK_AGO = timezone.now() - timedelta(days=7)
ALL_ON = {row.event_type: EventPolicy() for row in CATALOGUE}
POLICIES = [
    ProjectPolicy(),
    ProjectPolicy(sandbox=SandboxRule.SEND, anonymous=AnonymousRule.SKIP, events=ALL_ON),
    ProjectPolicy(custom_types={"UNKNOWN_FUTURE_TYPE": "from the future"}),
]


@pytest.fixture
def project(db: None, intercom: FakeIntercom, settings: Any) -> Project:
    """A project that sends to the stand-in."""
    settings.INTERCOM_API_URL = intercom.url
    return make_project("Larkfield")


def seen(project: Project, **options: Any) -> list[Seen]:
    """What was found of the last week."""
    return lately(project, WEEK_AGO, **options).seen


@pytest.mark.parametrize("planned", [False, True])
def test_every_sample_is_judged_as_it_would_be_planned(project: Project, planned: bool) -> None:
    for name in sample_names():
        receive(project, load_sample(name))
    if planned:
        EventSetting.objects.create(project=project, event_type="refund")
        run_drain(project)
    owed = Delivery.objects.select_related("webhook_event").order_by("-pk")
    for policy in POLICIES:
        found = [(one.person, outcome(one.shape, Settings(policy))) for one in seen(project)]
        wanted = [
            (row.app_user_id, outcome(shape_of(row.webhook_event.parsed(row.app_user_id)), Settings(policy)))
            for row in owed
        ]
        assert found == wanted


def test_only_what_is_settled_without_a_data_event_has_a_reason(project: Project) -> None:
    receive(project, environment="SANDBOX")
    receive(project, event_type="EXPIRATION")
    receive(project)
    assert [one.reason for one in seen(project)] == [None] * 3
    EventSetting.objects.create(project=project, event_type="expiration", enabled=False)
    run_drain(project)
    run_drain(project)
    assert {one.shape.type: one.reason for one in seen(project) if not one.shape.is_sandbox} == {
        "EXPIRATION": "",
        "RENEWAL": None,
    }
    assert [one.reason for one in seen(project) if one.shape.is_sandbox] == ["sandbox"]


def test_other_projects_history_and_what_is_older_are_left_out(project: Project) -> None:
    receive(make_project())
    old, imported, kept = (receive(project) for _ in range(3))
    Delivery.objects.filter(pk=old.pk).update(created_at=WEEK_AGO - timedelta(seconds=1))
    Delivery.objects.filter(pk=imported.pk).update(contact_only=True)
    assert len(seen(project)) == 1
    Delivery.objects.filter(pk=kept.pk).delete()
    assert seen(project) == []


def test_no_more_than_the_newest_are_looked_at(project: Project) -> None:
    rows = [receive(project, app_user_id=f"user-{number}") for number in range(4)]
    found = lately(project, WEEK_AGO, most=2)
    assert [one.person for one in found.seen] == ["user-3", "user-2"]
    assert not found.is_all and found.since == rows[2].created_at
    assert lately(project, WEEK_AGO, most=5).is_all and lately(project, WEEK_AGO, most=5).since == WEEK_AGO


def test_what_was_handed_over_counts_for_both_and_is_foreign_for_one(project: Project) -> None:
    other = make_project("Elsewhere", sandbox="send")
    project.sandbox, project.sandbox_project = "other", other
    project.save()
    receive(project, environment="SANDBOX")
    run_drain(project)
    assert WebhookEvent.objects.get().project == project and Delivery.objects.get().project == other
    assert [one.shape.is_foreign for one in seen(other)] == [True]
    assert seen(project) == []
    assert [one.shape.is_foreign for one in seen(project, handed_to=other.pk)] == [False]


def test_an_anonymous_id_that_was_named_counts_as_named_where_that_matters(project: Project) -> None:
    project.anonymous = "hold"
    project.save()
    receive(project, app_user_id=ANONYMOUS, aliases=[ANONYMOUS, "ada"])
    run_drain(project)
    assert [one.shape.who for one in seen(project)] == [Who.ANONYMOUS]
    assert [one.shape.who for one in seen(project, names_count=True)] == [Who.NAMED]


def test_it_asks_few_questions(project: Project, django_assert_num_queries: Any) -> None:
    for number in range(3):
        receive(project, app_user_id=f"user-{number}", event_type="CANCELLATION")
    other = make_project()
    with django_assert_num_queries(2):
        seen(project)
    with django_assert_num_queries(3):
        seen(project, handed_to=other.pk, names_count=True)
