"""
"Why did this not go out?": for every reason there is, the setting to change, or that no setting would help.
"""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from integration.admin.project_form import ProjectForm
from integration.admin.remedies import (
    AFTER_SKIP,
    AFTER_TRY,
    IDENTITY_QUEUE,
    OF_EVENT_TYPE,
    PROJECT_PAGE,
    WHILE_WAITING,
    Call,
    Standing,
    Story,
    call_of,
    setting_to_change,
)
from integration.admin.setting_links import setting_label
from integration.event_types import EventType
from integration.intercom.client import REGION_URLS
from integration.mapping import SkipReason, WaitReason
from integration.models import Delivery, IdentityCase, Project
from integration.models.projects import MissingContact
from integration.retry import AttemptOutcome, DeliveryStatus
from tests.admin.conftest import SignIn, delivery_url, project_url, text_of
from tests.factories import receive, run_drain
from tests.fake_intercom import FakeIntercom, faults

PENDING, FAILED = DeliveryStatus.PENDING, DeliveryStatus.FAILED


def test_every_reason_has_its_answer() -> None:
    assert set(AFTER_SKIP) == set(SkipReason), "say in remedies.AFTER_SKIP which setting would have sent it, or None"
    assert set(WHILE_WAITING) == set(WaitReason), "say in remedies.WHILE_WAITING what ends the waiting"
    assert set(AFTER_TRY) == set(AttemptOutcome), "say in remedies.AFTER_TRY what to change after such a try, or None"


def test_every_setting_named_is_a_field_of_the_project_s_page() -> None:
    named = {*AFTER_SKIP.values(), *WHILE_WAITING.values(), *AFTER_TRY.values(), "active", "missing_contact"}
    named |= {f"{OF_EVENT_TYPE}{event_type}" for event_type in EventType}
    fields = {one for one in named if one not in (None, IDENTITY_QUEUE, PROJECT_PAGE, OF_EVENT_TYPE)}
    assert fields <= set(ProjectForm.base_fields)
    assert all(setting_label(str(field)) for field in fields)


def test_every_sentence_of_a_skip_names_the_setting_that_its_link_leads_to() -> None:
    assert setting_label("sandbox") == "Sandbox events" and setting_label("anonymous") == "Anonymous customers"


@pytest.mark.parametrize(
    ("story", "setting"),
    [
        (Story(status=DeliveryStatus.DELIVERED, event_name="rc_renewal_event"), None),
        (Story(status=DeliveryStatus.DELIVERED, event_type="cancellation"), "event_cancellation"),
        (Story(status=DeliveryStatus.DELIVERED, event_type="cancellation", contact_only=True), None),
        (Story(status=DeliveryStatus.SKIPPED, reason="event_type_off", event_type="refund"), "event_refund"),
        (Story(status=DeliveryStatus.SKIPPED, reason="from_the_future"), None),
        (Story(status=PENDING, standing=Standing.OFF, outcome="credentials"), "active"),
        (Story(status=PENDING, standing=Standing.HELD), PROJECT_PAGE),
        (Story(status=PENDING, standing=Standing.HELD, outcome="credentials"), "new_intercom_token"),
        (Story(status=PENDING, standing=Standing.HELD, outcome="attributes"), "contact_facts"),
        (Story(status=PENDING, standing=Standing.PAUSED, outcome="rate_limited"), None),
        (Story(status=PENDING, reason="waits_for_a_name"), IDENTITY_QUEUE),
        (Story(status=PENDING, outcome="retry", call=Call.LOOK_UP, may_create=False), "missing_contact"),
        (Story(status=PENDING, outcome="retry", call=Call.LOOK_UP), None),
        (Story(status=PENDING, outcome="retry", call=Call.EVENT), None),
        (Story(status=FAILED, outcome="rejected", call=Call.EVENT, event_type="renewal"), "event_renewal"),
        (Story(status=FAILED, outcome="rejected", call=Call.EVENT), "custom_types"),
        (Story(status=FAILED, outcome="rejected", call=Call.CONTACT), "contact_facts"),
        (Story(status=FAILED, outcome="rejected", call=Call.LOOK_UP, may_create=False), "missing_contact"),
        (Story(status=FAILED, outcome="from_the_future"), None),
        (Story(status=FAILED), None),
    ],
)
def test_the_setting_follows_from_the_story(story: Story, setting: str | None) -> None:
    assert setting_to_change(story) == setting


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", "/contacts/find_by_external_id/user-1", Call.LOOK_UP),
        ("POST", "/contacts/search", Call.LOOK_UP),
        ("GET", "/contacts/123", Call.LOOK_UP),
        ("POST", "/contacts", Call.CONTACT),
        ("PUT", "/contacts/123", Call.CONTACT),
        ("POST", "/events", Call.EVENT),
        ("POST", "/data_attributes", Call.OTHER),
    ],
)
def test_a_logged_call_is_recognised(method: str, path: str, call: Call) -> None:
    assert call_of(method, path) is call


# --- On the page ------------------------------------------------------------------------------------------------


def advice_link(project: Project, field: str) -> str:
    """How the page links to a setting."""
    return f'href="{project_url(project)}#id_{field}"'


def test_the_page_leads_to_the_setting_and_the_setting_is_there(admin_client: Client, project: Project) -> None:
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    page = text_of(admin_client.get(delivery_url(delivery.pk)))
    assert advice_link(project, "sandbox") in page
    assert "Change “Sandbox events” in the project&#x27;s settings." in page
    assert 'id="id_sandbox"' in text_of(admin_client.get(project_url(project)))


def test_an_event_type_that_is_off_leads_to_its_own_line(admin_client: Client, project: Project) -> None:
    delivery = receive(project, event_type="SUBSCRIPTION_PAUSED")
    run_drain(project)
    assert advice_link(project, "event_subscription_paused_send") in text_of(
        admin_client.get(delivery_url(delivery.pk))
    )
    assert 'id="id_event_subscription_paused_send"' in text_of(admin_client.get(project_url(project)))


def test_a_contact_that_may_not_be_made_leads_to_that_setting(
    admin_client: Client, project: Project, intercom: FakeIntercom
) -> None:
    Project.objects.update(missing_contact=MissingContact.FAIL)
    delivery = receive(project)
    run_drain(project)
    page = text_of(admin_client.get(delivery_url(delivery.pk)))
    assert advice_link(project, "missing_contact") in page and "and failed at" in page


def test_a_refused_token_leads_to_the_token(admin_client: Client, project: Project, intercom: FakeIntercom) -> None:
    intercom.inject(faults.error(401, "unauthorized"))
    delivery = receive(project)
    run_drain(project)
    assert advice_link(project, "new_intercom_token") in text_of(admin_client.get(delivery_url(delivery.pk)))


def test_who_waits_for_a_name_is_led_to_the_identity_queue(admin_client: Client, project: Project) -> None:
    Project.objects.update(anonymous="hold")
    delivery = receive(project, app_user_id="$RCAnonymousID:0123", aliases=[])
    run_drain(project)
    case = IdentityCase.objects.get()
    page = text_of(admin_client.get(delivery_url(delivery.pk)))
    assert f'href="/admin/integration/identitycase/{case.pk}/change/"' in page and "Say who it is" in page


def test_who_may_not_change_the_settings_is_told_the_name_and_led_nowhere(project: Project, sign_in: SignIn) -> None:
    delivery = receive(project, environment="SANDBOX")
    run_drain(project)
    page = text_of(sign_in("view_delivery").get(delivery_url(delivery.pk)))
    assert "An Integration admin can change “Sandbox events”" in page and "#id_sandbox" not in page


def test_what_was_sent_needs_no_advice(admin_client: Client, project: Project) -> None:
    delivery = receive(project)
    run_drain(project)
    assert Delivery.objects.get().status == DeliveryStatus.DELIVERED
    assert "in the project&#x27;s settings" not in text_of(admin_client.get(delivery_url(delivery.pk)))


def test_a_project_that_is_switched_off_leads_to_the_switch(admin_client: Client, project: Project) -> None:
    Project.objects.update(active=False)
    delivery = receive(project)
    assert advice_link(project, "active") in text_of(admin_client.get(delivery_url(delivery.pk)))


def test_a_hold_of_another_delivery_leads_to_the_project_s_page(admin_client: Client, project: Project) -> None:
    project.hold("The token was refused.", timezone.now(), until=None)
    delivery = receive(project)
    page = text_of(admin_client.get(delivery_url(delivery.pk)))
    assert "See what is wrong, and resume it" in page and REGION_URLS["us"] not in page
