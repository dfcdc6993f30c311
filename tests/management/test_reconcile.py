"""
`manage.py reconcile`, and the worker's tasks: comparing by hand, by the button and at night.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from integration.models import Discrepancy, Project, Reconciliation
from integration.models.discrepancies import LEFT_ALONE, STALE
from integration.models.secrets import Secret
from integration.tasks import reconcile, reconcile_nightly, ring_due
from tests.admin.conftest import was_rung
from tests.factories import make_project
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import KEY, FakeRevenueCat, subscription
from tests.inquiry.helpers import begin, told

Run = Callable[..., str]


@pytest.fixture
def project(db: None, intercom: FakeIntercom, revenuecat: FakeRevenueCat, settings: Any) -> Project:
    """A project that can ask RevenueCat, and a customer of whom it says something else."""
    settings.INTERCOM_API_URL = intercom.url
    settings.REVENUECAT_API_URL = revenuecat.url
    made = make_project("Larkfield", revenuecat_api_key=Secret.of(KEY), revenuecat_project="1ab2c3d4")
    end = told(made, "user-1")
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    ProcrastinateJob.objects.all().delete()
    return made


def run(*arguments: str) -> str:
    """What the command says."""
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def jobs(project: Project) -> list[tuple[str, bool]]:
    """What a worker is to compare: the states of the jobs, and whether they are for later."""
    found = ProcrastinateJob.objects.filter(queueing_lock=f"reconcile:{project.pk}")
    return [(job.status, job.scheduled_at is not None) for job in found]


def test_the_command_lists_what_differs(project: Project) -> None:
    said = run("--project", "Larkfield")
    assert "user-1  active, but expired in RevenueCat\n" in said
    assert said.endswith("“Larkfield”: 1 compared, 1 differ, 0 repaired.\n")
    assert Discrepancy.objects.open().count() == 1 and not was_rung(project)


def test_the_command_repairs_and_rings(project: Project) -> None:
    said = run("--repair", "--days", "30")
    assert "user-1  active, but expired in RevenueCat  repaired\n" in said and "1 repaired.\n" in said
    assert Reconciliation.objects.get().days == 30 and was_rung(project)


def test_the_command_says_why_it_stopped_and_goes_on_when_it_is_run_again(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.permissions.clear()
    with pytest.raises(CommandError, match=r"needs the permission customer_information:.*Run it again to go on\."):
        run()
    Reconciliation.objects.update(after="user-0", compared=5)
    revenuecat.permissions.add("customer_information:subscriptions:read")
    said = run()
    assert said.startswith("Goes on with the comparison that was begun at")
    assert said.endswith("6 compared, 1 differ, 0 repaired.\n")


@pytest.mark.parametrize("days", ["0", "366"])
def test_the_command_takes_no_number_of_days_that_cannot_be(project: Project, days: str) -> None:
    with pytest.raises(CommandError, match="a number from 1 to 365"):
        run("--days", days)


def test_the_command_waits_for_nobody_else(project: Project) -> None:
    begin(project).take(timezone.now())
    with pytest.raises(CommandError, match="is being compared already"):
        run()


def test_the_command_waits_out_a_rate_limit(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.fail(429, None, Retry_After="1")
    assert run().endswith("1 compared, 1 differ, 0 repaired.\n")


# --- The worker -----------------------------------------------------------------------------------------------


def test_a_job_compares_and_rings_for_what_was_repaired(project: Project) -> None:
    begin(project, repair=True)
    reconcile.func(str(project.pk))
    assert Reconciliation.objects.get().finished_at is not None
    assert was_rung(project) and jobs(project) == []


def test_a_job_that_has_to_wait_leaves_another_one_for_later(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.fail(429, None, Retry_After="30")
    begin(project)
    reconcile.func(str(project.pk))
    assert jobs(project) == [("todo", True)]
    reconcile.func(str(project.pk))
    assert Reconciliation.objects.get().compared == 1


def test_a_job_of_a_project_that_is_gone_does_nothing(project: Project) -> None:
    begin(project)
    key = str(project.pk)
    project.delete()
    reconcile.func(key)
    assert jobs(project) == []


def test_each_night_the_projects_that_want_it_are_compared(project: Project) -> None:
    without_key = make_project(reconcile_nightly="list")
    listing = make_project(reconcile_nightly="list", revenuecat_api_key=Secret.of(KEY))
    Project.objects.filter(pk=project.pk).update(reconcile_nightly="repair")
    off = make_project(revenuecat_api_key=Secret.of(KEY))
    reconcile_nightly.func(0)
    assert jobs(project) == jobs(listing) == [("todo", False)] and jobs(without_key) == jobs(off) == []
    begun = {row.project_id: (row.days, row.repair) for row in Reconciliation.objects.all()}
    assert begun == {project.pk: (7, True), listing.pk: (7, False)}
    # The night after, or a second worker at the same time, leaves one job.
    reconcile_nightly.func(0)
    assert jobs(project) == [("todo", False)]


# --- One that died --------------------------------------------------------------------------------------------


def test_a_comparison_that_nobody_goes_on_with_is_rung_for_within_minutes(project: Project) -> None:
    now = timezone.now()
    comparison = begin(project)
    ring_due.func()
    assert jobs(project) == []
    # Its job has died before it began, or between two slices, or in the middle of one.
    for started, busy_until in ((now - LEFT_ALONE, None), (now - LEFT_ALONE, now - timedelta(seconds=1))):
        ProcrastinateJob.objects.all().delete()
        Reconciliation.objects.update(started_at=started, busy_until=busy_until)
        ring_due.func()
        ring_due.func()
        assert jobs(project) == [("todo", False)]
    reconcile.func(str(project.pk))
    comparison.refresh_from_db()
    assert comparison.finished_at is not None
    ProcrastinateJob.objects.all().delete()
    ring_due.func()
    assert jobs(project) == []


@pytest.mark.parametrize(
    "state",
    [
        {"busy_until": timezone.now() + timedelta(hours=3)},
        {"problem": "RevenueCat answered 401."},
        {"started_at": timezone.now() - STALE - timedelta(minutes=1)},
    ],
)
def test_one_that_is_under_way_or_says_why_it_stopped_or_is_old_is_left_alone(
    project: Project, state: dict[str, Any]
) -> None:
    begin(project)
    Reconciliation.objects.update(**({"started_at": timezone.now() - timedelta(hours=1)} | state))
    ring_due.func()
    assert jobs(project) == []


def test_what_somebody_has_stopped_no_worker_goes_on_with(project: Project, revenuecat: FakeRevenueCat) -> None:
    # Ctrl-C while RevenueCat is being waited for.
    revenuecat.hang(20)
    revenuecat.on_asked = lambda: os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        run("--project", "Larkfield")
    assert ended.value.code == 130
    revenuecat.on_asked = lambda: None
    Reconciliation.objects.update(started_at=timezone.now() - LEFT_ALONE)
    ring_due.func()
    assert jobs(project) == [] and Reconciliation.objects.get().problem == "It was interrupted."
    assert run("--project", "Larkfield").endswith("1 compared, 1 differ, 0 repaired.\n")
    assert Reconciliation.objects.get().problem == ""
