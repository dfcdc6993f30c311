"""
`manage.py check_projects`, and the worker's daily check: every project that is switched on is looked at.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from procrastinate.contrib.django.models import ProcrastinateJob

from integration.models import Drift, Project
from integration.models.secrets import Secret
from integration.tasks import check_project, check_projects
from tests.factories import AUTHORIZATION, TOKEN, make_project
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import KEY, FakeRevenueCat


@pytest.fixture
def project(db: None, intercom: FakeIntercom, revenuecat: FakeRevenueCat, settings: Any) -> Project:
    """A project that fits."""
    settings.INTERCOM_API_URL = intercom.url
    settings.REVENUECAT_API_URL = revenuecat.url
    settings.PUBLIC_URL = "https://hooks.example.com"
    made = make_project("Larkfield", revenuecat_api_key=Secret.of(KEY), revenuecat_project="1ab2c3d4")
    revenuecat.webhooks.add(url=made.webhook_url)
    return made


def check(*arguments: str) -> tuple[int, str]:
    """The exit code of the command, and what it says."""
    out = StringIO()
    try:
        call_command("check_projects", *arguments, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_what_fits_ends_with_0_and_says_what_could_not_be_compared(project: Project) -> None:
    code, said = check()
    assert code == 0 and "Larkfield: fits\n" in said and "so it cannot be compared" in said
    for secret in (KEY, TOKEN, AUTHORIZATION):
        assert secret not in said


def test_drift_ends_with_2_and_is_kept(project: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.webhooks.rows.clear()
    code, said = check()
    assert code == 2 and "Larkfield: does not fit\n  ! RevenueCat has no webhook" in said
    assert Drift.objects.open().count() == 1


def test_projects_that_are_switched_off_are_left_out_unless_they_are_named(project: Project) -> None:
    make_project("Off", active=False, region="eu")
    assert check()[0] == 0
    assert check("--project", "Off")[0] == 2
    with pytest.raises(CommandError, match="There is no project Nothing"):
        check("--project", "Nothing")


def test_the_worker_looks_at_each_project_in_a_job_of_its_own(project: Project, revenuecat: FakeRevenueCat) -> None:
    make_project("Off", active=False)
    check_projects.func()
    check_projects.func()
    jobs = ProcrastinateJob.objects.filter(task_name="integration.check_project")
    assert [(job.queue_name, job.lock, job.args) for job in jobs] == [
        ("reconcile", f"check:{project.pk}", {"project_id": str(project.pk)})
    ]
    revenuecat.webhooks.rows.clear()
    check_project.func(str(project.pk))
    assert Drift.objects.open().get().kind == "webhook_missing"
    gone = str(project.pk)
    project.delete()
    check_project.func(gone)
