"""
How far a comparison has come: it stops at any customer, goes on there, waits for nobody, and says why it cannot go on.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration.inquiry.comparing import BATCH, Slice, go_on
from integration.models import Customer, Project, Reconciliation
from integration.models.discrepancies import LEASE, STALE
from integration.models.secrets import Secret
from tests.fake_revenuecat import KEY, FakeRevenueCat, subscription
from tests.fake_revenuecat.objects import error
from tests.inquiry.helpers import begin, compare, counts, now_ms, told


def test_it_goes_on_where_it_stopped(project: Project, revenuecat: FakeRevenueCat) -> None:
    people = [f"user-{number}" for number in range(4)]
    end = told(project, *people)
    for person in people:
        revenuecat.add_customer(person, subscription(ends_at=end))
    run = begin(project)
    assert compare(run, seconds=0.0) == Slice(more=True)
    assert (run.compared, run.finished_at, run.busy_until) == (0, None, None)
    Reconciliation.objects.update(after="user-1", compared=2)
    again = begin(project)
    assert again == run and again.after == "user-1"
    compare(again)
    assert counts(again) == (4, 0, 0, 0)
    assert [path.split("/")[5] for path in revenuecat.paths()] == ["user-2", "user-3"]
    # At its end nobody is named.
    assert again.after == ""


def test_more_customers_than_are_read_at_a_time_are_all_compared(project: Project, monkeypatch: Any) -> None:
    at = now_ms()
    rows = [Customer(project=project, app_user_id=f"u{number}", last_event_at_ms=at) for number in range(7)]
    Customer.objects.bulk_create(rows)
    monkeypatch.setattr("integration.inquiry.comparing.BATCH", 3)
    run = begin(project)
    compare(run)
    assert run.left_out == 7 < BATCH


def test_other_wishes_or_an_old_beginning_begin_anew(project: Project) -> None:
    run = begin(project)
    Reconciliation.objects.update(after="user-1", compared=2)
    assert begin(project).after == "user-1"
    assert begin(project, repair=True).after == "" and begin(project).after == ""
    Reconciliation.objects.update(after="user-1", started_at=timezone.now() - STALE)
    assert begin(project).after == "" and Reconciliation.objects.get() == run


def test_two_processes_do_not_compare_one_project_at_once(project: Project, revenuecat: FakeRevenueCat) -> None:
    told(project, "user-1")
    run, other = begin(project), begin(project)
    assert run.take(timezone.now()) and not other.take(timezone.now())
    assert compare(other) == Slice(more=True, wait_seconds=60.0)
    # Nor are its wishes changed under way.
    assert begin(project, days=30).days == 7 and revenuecat.asked == []
    # One that was killed is not waited for.
    assert other.take(timezone.now() + LEASE + timedelta(seconds=1))


def test_a_worker_that_is_asked_to_stop_leaves_the_rest_to_the_next_one(project: Project) -> None:
    told(project, "user-1")
    stop = threading.Event()
    stop.set()
    run = begin(project)
    assert compare(run, stop=stop).more
    assert run.finished_at is None and run.busy_until is None


def test_a_rate_limit_is_waited_for_outside(project: Project, revenuecat: FakeRevenueCat) -> None:
    told(project, "user-1", "user-2")
    revenuecat.limit, revenuecat.used, revenuecat.retry_after = 480, 479, 33
    run = begin(project)
    assert compare(run) == Slice(more=True, wait_seconds=33.0)
    assert (run.left_out, run.after, run.busy_until, run.problem) == (1, "user-1", None, "")
    revenuecat.used = 0
    assert compare(run) == Slice(more=False)
    assert run.left_out == 2


def test_what_heals_is_asked_again_and_what_does_not_stops_the_comparison(
    project: Project, revenuecat: FakeRevenueCat, monkeypatch: Any
) -> None:
    monkeypatch.setattr("integration.inquiry.comparing.PAUSE_SECONDS", 0.01)
    told(project, "user-1")
    revenuecat.fail(503, times=2)
    run = begin(project)
    compare(run)
    assert run.left_out == 1 and run.finished_at is not None
    revenuecat.fail(503, times=4)
    run = begin(project)
    assert compare(run) == Slice(more=False)
    assert "https://status.revenuecat.com" in run.problem and run.finished_at is None and run.busy_until is None
    # Asked to go on, it does.
    compare(begin(project))
    run.refresh_from_db()
    assert run.finished_at is not None and run.problem == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"revenuecat_api_key": Secret("")}, "No RevenueCat API key is stored"),
        ({"revenuecat_project": ""}, "enter the “RevenueCat project id”"),
        ({"revenuecat_project": "99999999"}, "customer_information:subscriptions:read"),
    ],
)
def test_what_the_operator_must_do_is_kept_with_the_comparison(
    project: Project, change: dict[str, Any], said: str
) -> None:
    told(project, "user-1")
    Project.objects.update(**change)
    run = begin(project)
    assert compare(run) == Slice(more=False)
    assert said in run.problem and KEY not in run.problem


def test_a_project_that_is_deleted_under_way_does_no_harm(project: Project) -> None:
    run = begin(project)
    project.delete()
    assert go_on(run, stop=threading.Event(), now=timezone.now) == Slice(more=True, wait_seconds=60.0)
    run.keep(timezone.now())
    assert not Reconciliation.objects.exists()


def test_a_customer_of_whom_revenuecat_says_nothing_usable_does_not_keep_the_others(
    project: Project, revenuecat: FakeRevenueCat, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr("integration.inquiry.comparing.PAUSE_SECONDS", 0.01)
    end = told(project, "user-1", "user-2", "user-3", "user-4")
    for person in ("user-1", "user-2", "user-3", "user-4"):
        revenuecat.add_customer(person, subscription(ends_at=end))
    # A service that fails for one customer whenever it is asked, and three answers that cannot be read.
    revenuecat.fail_for("user-1", 500, error("server_error", "x", retryable=True))
    revenuecat.fail_for("user-2", 200, {"items": [], "next_page": "/x?starting_after=a"})
    revenuecat.fail_for("user-3", 200, "<html>Welcome</html>")
    run = begin(project)
    assert compare(run) == Slice(more=False)
    assert counts(run) == (1, 0, 0, 3) and run.problem == "" and run.finished_at is not None
    assert "user-" not in caplog.text and caplog.text.count("left out of the comparison") == 3


def test_a_captive_portal_is_not_taken_for_odd_customers(project: Project, revenuecat: FakeRevenueCat) -> None:
    told(project, "user-1", "user-2")
    revenuecat.fail(200, "<html>Welcome</html>", times=1000)
    run = begin(project)
    assert compare(run) == Slice(more=False)
    assert "something that is no list" in run.problem and (run.after, run.left_out) == ("", 0)
    assert len(revenuecat.asked) == 2
