"""
Somebody of support looks for a delivery that failed, reads why, and sends it again; and what the others may see of it.
"""

from __future__ import annotations

import pytest

from integration.models import Delivery, Project
from integration.retry import DeliveryStatus
from tests.browser.conftest import Visit
from tests.factories import receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom, faults


@pytest.fixture
def failed(project: Project, intercom: FakeIntercom) -> Delivery:
    """A renewal that Intercom refused, once, among others that went well."""
    for number in range(3):
        receive(project, app_user_id=f"happy-{number}")
    run_drain(project)
    delivery = receive(project, app_user_id="unlucky")
    intercom.inject(faults.error(422, "parameter_invalid", "The event name is not taken"), path="/events")
    run_drain(project)
    return refreshed(delivery)


def test_a_failed_delivery_is_found_understood_and_sent_again(visit: Visit, project: Project, failed: Delivery) -> None:
    person = visit("Support")
    person.opens("/admin/integration/delivery/?status__exact=failed")
    person.sees("unlucky")
    person.does_not_see("happy-1")
    person.on_page(lambda page: page.locator("tbody a").first.click())
    person.is_at(f"/admin/integration/delivery/{failed.pk}/change/*")
    person.sees("Intercom answered 422: The event name is not taken.")
    person.presses("Redeliver")
    person.sees("Intercom drops what it already has, so this is harmless.")
    person.confirms()
    person.sees("1 delivery was handed to the worker again, to be sent with today's settings.")
    run_drain(project)
    assert refreshed(failed).status == DeliveryStatus.DELIVERED
    person.opens(f"/admin/integration/delivery/{failed.pk}/change/")
    person.sees("was delivered as rc_renewal_event")


def test_a_viewer_reads_why_and_neither_what_was_said_nor_can_send_it_again(visit: Visit, failed: Delivery) -> None:
    person = visit("Viewer")
    person.opens(f"/admin/integration/delivery/{failed.pk}/change/")
    person.sees("Intercom answered 422: The event name is not taken.")
    person.sees("Your role does not show what was said to Intercom.")
    person.may_not_press("Redeliver")
    person.opens(f"/admin/integration/webhookevent/{failed.webhook_event_id}/change/")
    person.sees("Your role does not show what RevenueCat sent.")


def test_support_sees_no_settings(visit: Visit, project: Project) -> None:
    person = visit("Support")
    person.opens("/admin/")
    person.sees("Deliveries")
    person.may_not_press("Projects")
    assert person.opens(f"/admin/integration/project/{project.pk}/change/") == 403
    person.sees("Your role does not allow this.")
