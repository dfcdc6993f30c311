"""
What becomes of what is entered on the settings page: rows, holds, bells, the audit trail, and errors next to the field.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from integration.models import EventSetting, Project
from integration.models.secrets import Secret
from tests.admin.conftest import entered, project_url, save, text_of, was_rung
from tests.factories import SIGNING_SECRET, TOKEN, make_project, receive

ADD = "/admin/integration/project/add/"
NEW_TOKEN = "dG9rOmFub3RoZXItdG9rZW4tOTg3NjU0MzIxMA=="


def errors_of(response: Any) -> dict[str, list[str]]:
    """What the form says is wrong, by field."""
    return dict(response.context["adminform"].form.errors)


def test_adding_asks_for_a_name_a_token_a_region_and_sandbox_events(admin_client: Client, db: None) -> None:
    fields = set(admin_client.get(ADD).context["adminform"].form.fields)
    shown = {name for name in fields if f'name="{name}' in text_of(admin_client.get(ADD))}
    assert shown == {"name", "new_intercom_token", "region", "sandbox"}


def test_an_added_project_is_ready_and_shows_what_to_paste(admin_client: Client, db: None) -> None:
    answer = {"name": "New", "new_intercom_token": f"  {NEW_TOKEN}\n", "region": "eu", "sandbox": "send"}
    response = admin_client.post(ADD, answer, follow=True)
    project = Project.objects.get()
    assert (project.name, project.region, project.sandbox) == ("New", "eu", "send")
    assert project.intercom_token.reveal() == NEW_TOKEN
    assert project.intercom_token_changed_at is not None
    assert response.redirect_chain == [(project_url(project), 302)]
    page = text_of(response)
    assert project.authorization.reveal() in page and project.webhook_url in page and NEW_TOKEN not in page


def test_a_project_is_not_added_without_a_token(admin_client: Client, db: None) -> None:
    response = admin_client.post(ADD, {"name": "New", "region": "us"})
    assert "new_intercom_token" in errors_of(response) and not Project.objects.exists()


def test_saving_without_changes_changes_nothing(admin_client: Client, project: Project) -> None:
    before = Project.objects.values().get()
    save(admin_client, project_url(project))
    assert Project.objects.values().get() == before
    assert not EventSetting.objects.exists()
    assert LogEntry.objects.get().get_change_message() == "Saved without changes."


def test_a_new_token_is_stripped_forgets_contacts_lifts_the_hold_and_rings(
    admin_client: Client, project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    with django_capture_on_commit_callbacks(execute=True):
        save(admin_client, project_url(project), new_intercom_token=f" {NEW_TOKEN} ")
    changed_before = project.intercom_token_changed_at
    project.refresh_from_db()
    assert project.intercom_token.reveal() == NEW_TOKEN
    assert changed_before and project.intercom_token_changed_at and project.intercom_token_changed_at > changed_before
    assert project.held_at is None and project.hold_reason == ""
    assert was_rung(project)


def test_a_blank_token_keeps_the_stored_one(admin_client: Client, project: Project) -> None:
    save(admin_client, project_url(project), name="Renamed")
    project.refresh_from_db()
    assert (project.name, project.intercom_token.reveal()) == ("Renamed", TOKEN)


@pytest.mark.parametrize("pasted", ["Bearer abcdef", "two words", "токен", "abc\u200bdef"])
def test_a_token_that_cannot_be_one_is_refused(admin_client: Client, project: Project, pasted: str) -> None:
    response = save(admin_client, project_url(project), new_intercom_token=pasted)
    assert "This is no access token" in errors_of(response)["new_intercom_token"][0]
    assert pasted not in text_of(response)


def test_another_region_forgets_contacts_and_lifts_the_hold(
    admin_client: Client, project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    before = project.intercom_token_changed_at
    with django_capture_on_commit_callbacks(execute=True):
        save(admin_client, project_url(project), region="au")
    project.refresh_from_db()
    assert project.region == "au" and project.held_at is None and was_rung(project)
    assert before and project.intercom_token_changed_at and project.intercom_token_changed_at > before
    assert project.intercom_token.reveal() == TOKEN


def test_a_hold_that_a_worker_sets_while_somebody_edits_is_kept(admin_client: Client, project: Project) -> None:
    data = entered(admin_client, project_url(project), name="Renamed")
    project.hold("Intercom answered 401.", timezone.now(), until=None)
    admin_client.post(project_url(project), data)
    project.refresh_from_db()
    assert project.name == "Renamed" and project.held_at is not None


def test_the_signing_secret_is_stored_kept_and_removed(admin_client: Client, project: Project) -> None:
    url = project_url(project)
    save(admin_client, url, new_signing_secret=f"{SIGNING_SECRET} ")
    save(admin_client, url, name="Kept")
    project.refresh_from_db()
    assert project.signing_secret.reveal() == SIGNING_SECRET
    save(admin_client, url, clear_signing_secret=True)
    project.refresh_from_db()
    assert not project.signing_secret


def test_entering_and_removing_the_signing_secret_at_once_is_an_error(admin_client: Client, project: Project) -> None:
    project.signing_secret = Secret.of(SIGNING_SECRET)
    project.save()
    response = save(admin_client, project_url(project), new_signing_secret="x", clear_signing_secret=True)
    assert "clear_signing_secret" in errors_of(response)


def test_switching_on_rings_for_what_waits(
    admin_client: Client, project: Project, django_capture_on_commit_callbacks: Any
) -> None:
    Project.objects.update(active=False)
    receive(project)
    with django_capture_on_commit_callbacks(execute=True):
        save(admin_client, project_url(project), active=True)
    assert was_rung(project)


def test_only_what_differs_from_the_default_is_stored(admin_client: Client, project: Project) -> None:
    url = project_url(project)
    changes = {
        "event_trial_started_name": " trial_begun ",
        "event_renewal_name": "rc_renewal_event",
        "event_expiration_send": False,
    }
    save(admin_client, url, **changes)
    stored = set(EventSetting.objects.values_list("event_type", "enabled", "custom_name"))
    assert stored == {("trial_started", True, "trial_begun"), ("expiration", False, "")}
    save(admin_client, url, event_trial_started_name="", event_expiration_send=True)
    assert not EventSetting.objects.exists()


def test_a_row_of_a_type_this_version_does_not_know_is_left_alone(admin_client: Client, project: Project) -> None:
    EventSetting.objects.create(project=project, event_type="from_the_future", custom_name="x")
    save(admin_client, project_url(project), event_renewal_name="again")
    assert set(EventSetting.objects.values_list("event_type", flat=True)) == {"from_the_future", "renewal"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 121, "at most 120 characters"),
        ("with.dot", "Leave out “.” and “$”"),
        ("with$dollar", "Leave out “.” and “$”"),
        ("RC_Renewal_Event", "“Renewal” has this name already"),
    ],
)
def test_a_name_that_intercom_would_not_keep_is_refused_next_to_its_field(
    admin_client: Client, project: Project, name: str, said: str
) -> None:
    response = save(admin_client, project_url(project), event_trial_started_name=name)
    assert said in errors_of(response)["event_trial_started"][0]
    assert said in text_of(response) and not EventSetting.objects.exists()


def test_two_custom_names_that_differ_only_in_case_are_refused(admin_client: Client, project: Project) -> None:
    response = save(admin_client, project_url(project), event_renewal_name="Paid", event_trial_converted_name="paid")
    assert set(errors_of(response)) == {"event_renewal", "event_trial_converted"}


def test_two_event_types_may_swap_their_names(admin_client: Client, project: Project) -> None:
    swap = {"event_renewal_name": "rc_cancellation_event", "event_cancellation_name": "rc_renewal_event"}
    save(admin_client, project_url(project), **swap)
    assert EventSetting.objects.count() == 2


def test_the_audit_trail_says_what_changed_and_no_secret(admin_client: Client, project: Project) -> None:
    save(
        admin_client,
        project_url(project),
        region="eu",
        sandbox="send",
        new_intercom_token=NEW_TOKEN,
        event_renewal_name="again",
        event_expiration_send=False,
    )
    message = LogEntry.objects.get().get_change_message()
    for part in (
        "Region: United States → Europe",
        "Sandbox events: Skip them → Send them, like all others",
        "Intercom access token replaced",
        "Renewal: default name → again",
        "Expiration: default name → default name (switched off)",
    ):
        assert part in message
    assert NEW_TOKEN not in message
    assert message.split(";")[0] in text_of(admin_client.get(project_url(project, "history")))


def test_the_audit_trail_calls_values_what_the_page_calls_them(admin_client: Client, project: Project) -> None:
    other = make_project("Elsewhere", sandbox="send")
    project.product_names = {"weekly": "Weekly", "monthly": "Monthly"}
    project.save()
    save(
        admin_client,
        project_url(project),
        sandbox="other",
        sandbox_project=str(other.pk),
        identity="email\napp_user_id",
        contact_facts=["store"],
        product_names="weekly = Every week\nmonthly = Monthly",
        custom_types="SPIN = spun",
        attribute_prefix="rc_",
    )
    message = LogEntry.objects.get().get_change_message()
    for part in (
        "Project for sandbox events: blank → Elsewhere",
        "Which id names the contact: app_user_id → email, app_user_id",
        "→ Store (latest_store)",
        "Names of products and entitlements: weekly = Weekly → weekly = Every week;",
        "Custom types: blank → SPIN = spun",
        "Prefix of their names: blank → rc_",
    ):
        assert part in message, message
    assert not set("{}[]'") & set(message) and str(other.pk) not in message


def test_a_history_begins_with_what_was_done_last(admin_client: Client, project: Project) -> None:
    for days in ("7", "8", "9"):
        save(admin_client, project_url(project), keep_successes_days=days)
    page = text_of(admin_client.get(project_url(project, "history")))
    assert page.index("8 → 9") < page.index("7 → 8") < page.index("30 → 7")


def test_a_project_is_deleted_by_a_superuser_while_nothing_has_arrived(admin_client: Client, project: Project) -> None:
    page = text_of(admin_client.get(project_url(project)))
    assert project_url(project, "delete") in page
    assert admin_client.post(project_url(project, "delete"), {"post": "yes"}).status_code == 302
    assert not Project.objects.exists()


def test_a_project_with_a_log_cannot_be_deleted(admin_client: Client, project: Project) -> None:
    receive(project)
    assert project_url(project, "delete") not in text_of(admin_client.get(project_url(project)))
    assert admin_client.post(project_url(project, "delete"), {"post": "yes"}).status_code == 403
    answer = {"action": "delete_selected", "_selected_action": str(project.pk), "post": "yes"}
    admin_client.post("/admin/integration/project/", answer)
    assert Project.objects.exists()


def test_an_old_authorization_value_that_is_still_valid_is_said(admin_client: Client, project: Project) -> None:
    project.rotate_authorization(timezone.now(), overlap=timedelta(hours=2))
    assert "The value before this one stays valid until" in text_of(admin_client.get(project_url(project)))


def test_how_long_the_log_is_kept_is_set_on_the_page_and_stands_in_the_audit_trail(
    admin_client: Client, project: Project
) -> None:
    page = text_of(admin_client.get(project_url(project)))
    assert "Privacy" in page and "0 keeps them for ever" in page and "Forgotten customers" in page
    save(admin_client, project_url(project), keep_successes_days=7, keep_failures_days=0)
    project.refresh_from_db()
    assert (project.keep_successes_days, project.keep_failures_days) == (7, 0)
    assert "Days to keep delivered and skipped events: 30 → 7" in LogEntry.objects.get().get_change_message()
    for days in ("-1", "3651", "soon", ""):
        assert "keep_successes_days" in errors_of(save(admin_client, project_url(project), keep_successes_days=days))
