"""
Redelivering all that a filter finds: in batches, each counted with what it did, whoever is killed, late or cancelled.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration import redelivering
from integration.models import BulkRedelivery, Customer, Delivery, Project
from integration.models.log_filter import LogFilter
from integration.redelivering import go_on
from tests.factories import make_project, receive, run_drain

STOP = threading.Event()


@pytest.fixture
def project(db: None) -> Project:
    """A project with five deliveries that were skipped, and one that is pending."""
    made = make_project("Larkfield")
    for number in range(5):
        receive(made, event_type="TEST", app_user_id=f"user-{number}")
    run_drain(made)
    receive(made, app_user_id="pending")
    return made


def begin(project: Project, **meant: Any) -> BulkRedelivery:
    """A run over what was skipped."""
    rows = Delivery.objects.order_by("-pk")
    run = BulkRedelivery.objects.create(
        started_at=timezone.now(),
        filter=LogFilter(**{"status": "skipped", **meant}).to_json(),
        words="Status: Skipped",
        expected=5,
        is_exact=True,
        newest=rows[0].pk,
    )
    run.projects.set([project])
    return run


def again(run: BulkRedelivery) -> BulkRedelivery:
    """The row as another process finds it."""
    return BulkRedelivery.objects.get(pk=run.pk)


def owed() -> list[str]:
    """Whose deliveries are pending, oldest first."""
    return list(Delivery.objects.filter(status="pending").order_by("pk").values_list("app_user_id", flat=True))


def test_a_batch_owes_the_oldest_again_and_writes_down_how_far_it_is(project: Project) -> None:
    run = begin(project)
    batch = run.redeliver_batch(timezone.now(), 2)
    assert batch is not None and (batch.count, batch.projects, batch.more) == (2, frozenset({project.pk}), True)
    assert owed() == ["user-0", "user-1", "pending"]
    assert (again(run).redelivered, run.percent) == (2, 40)


def test_it_goes_on_to_the_end_and_finishes(project: Project) -> None:
    run = begin(project)
    assert not go_on(run, stop=STOP, limit=2).more
    found = again(run)
    assert found.redelivered == 5 and found.finished_at and found.percent == 100 and found.busy_until is None
    assert len(owed()) == 6
    assert not go_on(again(run), stop=STOP).more


def test_what_was_told_of_the_contacts_is_forgotten_and_events_keep_their_times(project: Project) -> None:
    times = set(Delivery.objects.values_list("pk", "created_at"))
    Customer.objects.update(told={"subscription_status": "active"})
    Delivery.objects.filter(app_user_id="user-0").update(customer=Customer.objects.get(app_user_id="user-0"))
    go_on(begin(project), stop=STOP)
    assert Customer.objects.get(app_user_id="user-0").told == {}
    assert set(Delivery.objects.values_list("pk", "created_at")) == times


def test_whoever_is_killed_between_two_batches_is_gone_on_from_there_when_the_lease_is_over(project: Project) -> None:
    run = begin(project)
    assert run.take(timezone.now()) and run.redeliver_batch(timezone.now(), 2)
    # It is killed here. Nobody else takes it while the lease lasts.
    assert go_on(again(run), stop=STOP).more and len(owed()) == 3
    BulkRedelivery.objects.update(busy_until=timezone.now() - timedelta(seconds=1))
    assert not go_on(again(run), stop=STOP, limit=2).more
    assert again(run).redelivered == 5 and len(owed()) == 6


def test_of_two_who_go_on_at_once_one_comes_to_nothing(project: Project) -> None:
    run = begin(project)
    late = again(run)
    assert run.redeliver_batch(timezone.now(), 2)
    assert late.redeliver_batch(timezone.now(), 2) is None
    assert again(run).redelivered == 2


def test_what_is_cancelled_meanwhile_redelivers_no_more(project: Project) -> None:
    run = begin(project)
    late = again(run)
    assert run.redeliver_batch(timezone.now(), 2) and run.cancel(timezone.now())
    late.after = run.after
    assert late.redeliver_batch(timezone.now(), 2) is None and len(owed()) == 3
    assert not late.finish(timezone.now()) and not late.cancel(timezone.now())
    assert again(run).finished_at is None


def test_what_arrives_after_it_was_started_is_not_meant(project: Project) -> None:
    run = begin(project)
    receive(project, event_type="TEST", app_user_id="later")
    Delivery.objects.filter(app_user_id="later").update(status="skipped", due_at=None, finished_at=timezone.now())
    go_on(run, stop=STOP)
    assert "later" not in owed() and again(run).redelivered == 5


def test_other_projects_are_left_alone(project: Project) -> None:
    other = make_project("Other")
    receive(other, event_type="TEST", app_user_id="other")
    run_drain(other)
    go_on(begin(project), stop=STOP)
    assert "other" not in owed()


def test_it_waits_while_enough_is_due(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivering, "MOST_DUE", 2)
    run = begin(project)
    done = go_on(run, stop=STOP, limit=2)
    assert (done.more, done.wait_seconds, again(run).redelivered) == (True, redelivering.FULL_SECONDS, 2)
    assert go_on(again(run), stop=STOP, limit=2).more and again(run).redelivered == 2
    Delivery.objects.filter(status="pending").update(status="delivered", due_at=None)
    go_on(again(run), stop=STOP, limit=2)
    assert again(run).redelivered == 5


@pytest.mark.parametrize("how", ["held", "off"])
def test_it_does_not_wait_for_a_project_that_waits_for_a_person(
    project: Project, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(redelivering, "MOST_DUE", 0)
    if how == "held":
        project.hold("Why.", timezone.now(), until=None)
    else:
        Project.objects.update(active=False)
    assert not go_on(begin(project), stop=STOP, limit=2).more
    assert len(owed()) == 6


def test_it_stops_where_it_is_asked_to(project: Project) -> None:
    stop = threading.Event()
    stop.set()
    run = begin(project)
    assert go_on(run, stop=stop).more and again(run).redelivered == 0 and again(run).busy_until is None


def test_a_filter_survives_being_kept() -> None:
    now = timezone.now()
    meant = LogFilter(status="failed", store="STRIPE", since=now, text="ada", exchanges=True)
    assert LogFilter.from_json({**meant.to_json(), "of a later version": 1}) == meant
    assert meant.without_search().text == "" and LogFilter().to_json() == {}
