"""
Whether a project still fits: what is found, since when, what is only remarked on, and when it is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration.inquiry.checking import KEPT, check_project
from integration.inquiry.registration import carry_out, plan
from integration.models import Drift, Project, ProjectCheck
from integration.models.secrets import Secret
from integration.webhook_fit import Misfit
from tests.factories import AUTHORIZATION, TOKEN, make_project
from tests.fake_intercom import FakeIntercom, faults
from tests.fake_revenuecat import KEY, FakeRevenueCat


@pytest.fixture(autouse=True)
def public_url(settings: Any) -> None:
    """RevenueCat takes no other."""
    settings.PUBLIC_URL = "https://hooks.example.com"


@pytest.fixture
def registered(project: Project, revenuecat: FakeRevenueCat) -> Project:
    """A project whose webhook is in RevenueCat."""
    carry_out(project, plan(project), timezone.now())
    return project


def open_kinds(project: Project) -> list[str]:
    """What does not fit by now."""
    return sorted(Drift.objects.open().filter(project=project).values_list("kind", flat=True))


def test_a_project_that_fits_has_no_drift_and_it_is_known_when_it_was_looked_at(registered: Project) -> None:
    now = timezone.now()
    looked = check_project(registered, now)
    assert looked.found == {} and open_kinds(registered) == []
    check = ProjectCheck.objects.get()
    assert check.checked_at == now and check.workspace_id
    said = " ".join(check.remarks)
    assert "RevenueCat does not tell the Authorization value that it has, so it cannot be compared" in said
    assert "It was told the present one at" in said and "“Intercom: Larkfield”" in said
    for secret in (AUTHORIZATION, TOKEN, KEY):
        assert secret not in said


def test_what_does_not_fit_is_kept_since_it_was_found_and_closed_when_it_is_over(
    registered: Project, revenuecat: FakeRevenueCat
) -> None:
    first = timezone.now()
    (row,) = revenuecat.webhooks.rows.values()
    row["environment"], row["event_types"] = "sandbox", ["renewal"]
    check_project(registered, first)
    assert open_kinds(registered) == ["webhook_environment", "webhook_events"]
    later = first + timedelta(days=1)
    row["event_types"] = None
    row["name"] = "Renamed"
    check_project(registered, later)
    drift = Drift.objects.open().get()
    assert drift.kind == "webhook_environment" and drift.since == first and "Renamed" in drift.sentence
    assert Drift.objects.get(kind="webhook_events").resolved_at == later
    row["environment"] = None
    check_project(registered, later)
    row["environment"] = "sandbox"
    again = later + timedelta(days=1)
    check_project(registered, again)
    # What comes again is new.
    assert Drift.objects.open().get().since == again


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"url": "https://old.example.com/"}, "webhook_url"),
        ({"enabled": False}, "webhook_off"),
        ({"environment": "sandbox"}, "webhook_environment"),
    ],
)
def test_what_somebody_changed_in_revenuecat_is_found(
    registered: Project, revenuecat: FakeRevenueCat, change: dict[str, Any], kind: str
) -> None:
    next(iter(revenuecat.webhooks.rows.values())).update(change)
    check_project(registered, timezone.now())
    assert open_kinds(registered) == [kind]


def test_an_address_that_revenuecat_cannot_reach_is_remarked_on(registered: Project, settings: Any) -> None:
    assert "PUBLIC_URL" not in " ".join(check_project(registered, timezone.now()).remarks)
    settings.PUBLIC_URL = "http://localhost:8000"
    assert "Set PUBLIC_URL on this server" in " ".join(check_project(registered, timezone.now()).remarks)


def test_one_that_was_deleted_and_one_too_many_are_found(registered: Project, revenuecat: FakeRevenueCat) -> None:
    revenuecat.webhooks.add(url=registered.webhook_url)
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["webhook_twice"]
    revenuecat.webhooks.rows.clear()
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["webhook_missing"]


def test_a_value_that_was_rotated_after_revenuecat_was_told_is_found(registered: Project) -> None:
    registered.rotate_authorization(timezone.now())
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["webhook_authorization"]
    carry_out(registered, plan(registered), timezone.now())
    check_project(registered, timezone.now())
    assert open_kinds(registered) == []


def test_what_could_not_be_asked_is_no_drift_and_leaves_what_was_found(
    registered: Project, revenuecat: FakeRevenueCat, intercom: FakeIntercom
) -> None:
    next(iter(revenuecat.webhooks.rows.values()))["environment"] = "sandbox"
    check_project(registered, timezone.now())
    revenuecat.fail(503)
    intercom.refuse_connections()
    looked = check_project(registered, timezone.now())
    assert open_kinds(registered) == ["webhook_environment"] and looked.found == {}
    said = " ".join(looked.remarks)
    assert "RevenueCat's webhook could not be looked at" in said and "Intercom could not be asked" in said


def test_a_key_that_is_refused_is_a_drift_and_says_nothing_of_the_webhook(
    registered: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.key = "sk_another"
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["revenuecat_refused"]
    revenuecat.key = KEY
    check_project(registered, timezone.now())
    assert open_kinds(registered) == []


def test_without_a_key_only_intercom_is_asked_and_old_findings_are_over(
    registered: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.webhooks.rows.clear()
    check_project(registered, timezone.now())
    registered.revenuecat_api_key = Secret("")
    registered.save()
    asked = len(revenuecat.asked)
    looked = check_project(registered, timezone.now())
    assert open_kinds(registered) == [] and len(revenuecat.asked) == asked
    assert "RevenueCat was not asked about its webhook" in " ".join(looked.remarks)


def test_a_token_that_intercom_refuses_is_found(registered: Project, intercom: FakeIntercom) -> None:
    intercom.inject(faults.error(401, "unauthorized"))
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["intercom_token"]
    assert "Intercom does not accept the access token any more" in Drift.objects.get().sentence
    check_project(registered, timezone.now(), of_intercom=False)
    assert open_kinds(registered) == ["intercom_token"]


def test_a_permission_that_was_taken_away_is_found_and_the_page_knows(
    registered: Project, intercom: FakeIntercom
) -> None:
    intercom.inject(faults.error(403, "forbidden"), path="/events")
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["intercom_token"]
    assert "Write events" in Drift.objects.get().sentence
    # What the first step of setting up says.
    registered.refresh_from_db()
    assert registered.connection is not None and registered.connection["missing"] == ["Write events"]


def test_a_region_that_is_another_one_is_found(registered: Project) -> None:
    registered.region = "eu"
    registered.save()
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["intercom_region"]


def test_a_workspace_that_changes_under_the_same_token_is_found_and_one_with_a_new_token_is_said(
    registered: Project,
) -> None:
    check_project(registered, timezone.now())
    ProjectCheck.objects.update(workspace_id="before", workspace_name="Before")
    check_project(registered, timezone.now())
    assert open_kinds(registered) == ["intercom_workspace"]
    # Entered anew it is meant.
    registered.replace_intercom_token(TOKEN, timezone.now())
    registered.save()
    looked = check_project(registered, timezone.now())
    assert open_kinds(registered) == [] and "the one before it was that of “Before”" in " ".join(looked.remarks)
    assert "Before" not in " ".join(check_project(registered, timezone.now()).remarks)


def test_findings_of_one_project_are_not_those_of_another_and_old_ones_are_forgotten(
    registered: Project, revenuecat: FakeRevenueCat
) -> None:
    other = make_project("Other", revenuecat_api_key=Secret.of(KEY), revenuecat_project="1ab2c3d4")
    now = timezone.now()
    check_project(other, now)
    assert open_kinds(other) == ["webhook_missing"] and open_kinds(registered) == []
    revenuecat.webhooks.add(url=other.webhook_url)
    check_project(other, now)
    check_project(other, now + KEPT)
    assert Drift.objects.count() == 1
    check_project(other, now + KEPT + timedelta(seconds=1))
    assert Drift.objects.count() == 0


def test_a_project_that_is_deleted_meanwhile_does_no_harm(registered: Project) -> None:
    Project.objects.filter(pk=registered.pk).delete()
    check_project(registered, timezone.now())
    assert not Drift.objects.exists()


def test_every_kind_is_looked_at_by_somebody(registered: Project) -> None:
    assert check_project(registered, timezone.now()).at == set(Misfit)
