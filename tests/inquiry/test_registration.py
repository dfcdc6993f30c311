"""
Registering a project's webhook in RevenueCat: made once, brought up to date after that, and remembered.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integration.inquiry.registration import Registered, carry_out, expected_of, plan
from integration.models import EventSetting, Project, WebhookRegistration
from integration.models.secrets import Secret
from integration.revenuecat.errors import OperatorError, UnavailableError
from tests.factories import AUTHORIZATION, SIGNING_SECRET
from tests.fake_revenuecat import FakeRevenueCat


@pytest.fixture(autouse=True)
def public_url(settings: Any) -> None:
    """RevenueCat takes no other."""
    settings.PUBLIC_URL = "https://hooks.example.com"


def register(project: Project) -> Registered:
    """What pressing the button does."""
    return carry_out(project, plan(project), timezone.now())


def test_it_is_made_with_the_url_and_the_value_and_for_everything(project: Project, revenuecat: FakeRevenueCat) -> None:
    planned = plan(project)
    assert planned.webhook is None and planned.warnings == []
    assert {one.what: one.after for one in planned.changes} == {
        "Name": "Intercom: Larkfield",
        "URL": f"https://hooks.example.com/webhooks/revenuecat/{project.pk}/",
        "Authorization header": f"…{AUTHORIZATION[-4:]}",
        "Environment": "production and sandbox",
        "Events": "all",
        "Apps": "all",
    }
    assert revenuecat.webhooks.rows == {}
    done = register(project)
    assert done.is_new and not done.signs
    (row,) = revenuecat.webhooks.rows.values()
    assert (row["url"], row["environment"], row["event_types"], row["app_id"]) == (
        project.webhook_url,
        None,
        None,
        None,
    )
    assert revenuecat.webhooks.authorizations == {row["id"]: AUTHORIZATION}
    assert WebhookRegistration.objects.get().webhook_id == row["id"]


def test_a_second_time_makes_no_second_one(project: Project, revenuecat: FakeRevenueCat) -> None:
    assert register(project).is_new
    assert not register(project).is_new
    assert len(revenuecat.webhooks.rows) == 1 and WebhookRegistration.objects.count() == 1


def test_one_that_was_set_up_by_hand_is_taken_over_and_keeps_what_fits(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    known = revenuecat.webhooks.add(name="By hand", url=project.webhook_url, environment="production", app_id="app1")
    assert not register(project).is_new
    row = revenuecat.webhooks.rows[known]
    assert (row["name"], row["environment"], row["app_id"]) == ("By hand", "production", "app1")
    assert revenuecat.webhooks.authorizations[known] == AUTHORIZATION


def test_one_that_points_to_where_this_server_was_before_is_corrected(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    register(project)
    (known,) = revenuecat.webhooks.rows
    revenuecat.webhooks.rows[known]["url"] = "https://elsewhere.example.com/"
    revenuecat.webhooks.add(url="https://of-somebody-else.example.com/")
    assert not register(project).is_new
    assert revenuecat.webhooks.rows[known]["url"] == project.webhook_url and len(revenuecat.webhooks.rows) == 2


def test_filters_that_keep_back_what_the_project_wants_are_taken_away(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    known = revenuecat.webhooks.add(url=project.webhook_url, environment="production", event_types=["renewal"])
    Project.objects.update(sandbox="log")
    project.refresh_from_db()
    register(project)
    row = revenuecat.webhooks.rows[known]
    assert row["environment"] is None and row["event_types"] is None


def test_another_value_is_told_and_known_to_be_told(project: Project, revenuecat: FakeRevenueCat) -> None:
    register(project)
    assert WebhookRegistration.objects.get().is_of_present_value
    project.rotate_authorization(timezone.now())
    assert not WebhookRegistration.objects.get().is_of_present_value
    register(project)
    assert WebhookRegistration.objects.get().is_of_present_value
    assert list(revenuecat.webhooks.authorizations.values()) == [project.authorization.reveal()]


def test_a_signing_secret_is_stored_encrypted_where_revenuecat_tells_one(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    revenuecat.webhooks.secret_told = SIGNING_SECRET
    assert register(project).signs
    project.refresh_from_db()
    assert project.signing_secret.reveal() == SIGNING_SECRET
    assert SIGNING_SECRET not in project.signing_secret.ciphertext


def test_what_a_person_should_know_first_is_said(project: Project, revenuecat: FakeRevenueCat, settings: Any) -> None:
    settings.PUBLIC_URL = "http://localhost:8000"
    for _ in range(2):
        revenuecat.webhooks.add(url=project.webhook_url)
    next(iter(revenuecat.webhooks.rows.values()))["enabled"] = False
    EventSetting.objects.create(project=project, event_type="paywall_close")
    project.signing_secret = Secret.of(SIGNING_SECRET)
    project.save()
    said = " ".join(plan(project).warnings)
    for words in (
        "Set PUBLIC_URL",
        "several webhooks",
        "switched off",
        "signing secret is stored here",
        "Paywall Close",
    ):
        assert words in said


def test_plans_of_different_things_are_told_apart(project: Project, revenuecat: FakeRevenueCat) -> None:
    first = plan(project).confirmation
    assert plan(project).confirmation == first and AUTHORIZATION not in first
    project.rotate_authorization(timezone.now())
    rotated = plan(project).confirmation
    revenuecat.webhooks.add(url=project.webhook_url)
    assert len({first, rotated, plan(project).confirmation}) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"revenuecat_api_key": Secret("")}, "No RevenueCat API key is stored"),
        ({"revenuecat_project": ""}, "enter the “RevenueCat project id”"),
        ({"revenuecat_project": "99999999"}, "must belong to the project"),
        ({"authorization": Secret("")}, "Make one with “Rotate authorization”"),
        ({"authorization": Secret("gAAAAAunreadable")}, "cannot be read"),
    ],
)
def test_why_it_cannot_be_done_is_said(project: Project, change: dict[str, Any], said: str) -> None:
    for name, value in change.items():
        setattr(project, name, value)
    with pytest.raises(OperatorError, match=said):
        plan(project)


def test_what_was_not_answered_is_remembered_by_nobody_and_seen_by_the_next_plan(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    planned = plan(project)
    revenuecat.fail(503)
    with pytest.raises(UnavailableError):
        carry_out(project, planned, timezone.now())
    assert not WebhookRegistration.objects.exists()
    # RevenueCat had made it all the same.
    known = revenuecat.webhooks.add(url=project.webhook_url)
    again = plan(project)
    assert again.webhook is not None and again.webhook.id == known


def test_what_is_expected_follows_from_the_settings(project: Project) -> None:
    assert not expected_of(project).wants_sandbox and "transfer" not in expected_of(project).event_types
    project.sandbox, project.anonymous = "send", "hold"
    assert expected_of(project).wants_sandbox and "transfer" in expected_of(project).event_types
