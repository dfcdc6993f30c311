"""
Repairing one discrepancy from its page: RevenueCat is asked anew, the contact follows, and every other end is said.
"""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from integration.models import Delivery, Discrepancy, Project
from integration.models.secrets import Secret
from tests.admin.conftest import SignIn, act, text_of, was_rung
from tests.factories import DAY_MS, receive, run_drain
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import KEY, FakeRevenueCat, subscription
from tests.inquiry.helpers import begin, compare, told

LIST = "/admin/integration/discrepancy/"


@pytest.fixture
def end(project: Project, revenuecat: FakeRevenueCat, settings: Any) -> int:
    """When the subscription of user-1 was told to end; RevenueCat says that it has ended already."""
    settings.REVENUECAT_API_URL = revenuecat.url
    project.revenuecat_api_key, project.revenuecat_project = Secret.of(KEY), "proj1ab2c3d4"
    project.save()
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end - 20 * DAY_MS))
    return end


@pytest.fixture
def row(project: Project, end: int) -> Discrepancy:
    """What a comparison has found of it."""
    compare(begin(project))
    return Discrepancy.objects.get()


def url_of(row: Discrepancy, page: str = "change") -> str:
    """Its page, or an action on it."""
    return f"{LIST}{row.pk}/{page}/"


def repaired(client: Client, row: Discrepancy) -> str:
    """Press the button, and read the page it leads to."""
    answer = act(client, url_of(row, "repair"))
    assert answer.headers["Location"] == url_of(row)
    return html.unescape(text_of(client.get(url_of(row))))


def test_the_button_repairs_it_and_the_contact_follows(
    admin_client: Client,
    row: Discrepancy,
    project: Project,
    intercom: FakeIntercom,
    django_capture_on_commit_callbacks: Any,
) -> None:
    assert url_of(row, "repair") in text_of(admin_client.get(url_of(row)))
    assert "Asks RevenueCat" in text_of(admin_client.get(url_of(row, "repair")))
    row.refresh_from_db()
    assert row.repaired_at is None, "looking at the dialog changes nothing"
    with django_capture_on_commit_callbacks(execute=True):
        page = repaired(admin_client, row)
    assert "What RevenueCat says was taken over, and the contact in Intercom is brought up to date." in page
    row.refresh_from_db()
    assert row.repaired_at is not None and was_rung(project)
    run_drain(project)
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "expired"
    entry = LogEntry.objects.get(object_id=str(row.pk))
    assert entry.get_change_message() == "Repaired: what RevenueCat said was taken over."
    assert entry.object_repr == f"discrepancy {row.pk}"


def test_one_that_is_over_has_no_button_and_is_not_repaired_again(
    admin_client: Client, row: Discrepancy, revenuecat: FakeRevenueCat
) -> None:
    Discrepancy.objects.update(agreed_at=timezone.now())
    assert url_of(row, "repair") not in text_of(admin_client.get(url_of(row)))
    asked = len(revenuecat.asked)
    assert "It is over already." in repaired(admin_client, row)
    assert len(revenuecat.asked) == asked and not LogEntry.objects.exists()


def test_what_does_not_differ_any_more_is_said_and_closed(
    admin_client: Client, row: Discrepancy, revenuecat: FakeRevenueCat, end: int
) -> None:
    revenuecat.add_customer("user-1", subscription(ends_at=end))
    assert "There is nothing to repair any more" in repaired(admin_client, row)
    row.refresh_from_db()
    assert row.agreed_at is not None and row.repaired_at is None
    assert LogEntry.objects.get().get_change_message() == "Repair asked for: nothing differs any more."


def test_while_something_of_the_customer_is_pending_nothing_is_done(
    admin_client: Client, row: Discrepancy, project: Project
) -> None:
    receive(project, app_user_id="user-1")
    assert "Nothing was done" in repaired(admin_client, row)
    row.refresh_from_db()
    assert row.repaired_at is None and not LogEntry.objects.exists()


def test_without_a_delivery_to_send_again_it_stays_open_and_is_said(admin_client: Client, row: Discrepancy) -> None:
    Delivery.objects.all().delete()
    assert "It still differs" in repaired(admin_client, row)
    row.refresh_from_db()
    assert row.repaired_at is None


def test_that_a_held_project_sends_later_is_said(admin_client: Client, row: Discrepancy, project: Project) -> None:
    project.hold("Intercom refused the token.", timezone.now(), until=None)
    page = repaired(admin_client, row)
    assert "What RevenueCat says was taken over" in page and "“Larkfield” is held: Intercom refused the token." in page


def test_what_revenuecat_refuses_is_said_in_the_dialog(
    admin_client: Client, row: Discrepancy, revenuecat: FakeRevenueCat, project: Project
) -> None:
    revenuecat.permissions.clear()
    assert "customer_information:subscriptions:read" in text_of(act(admin_client, url_of(row, "repair")))
    Project.objects.update(revenuecat_api_key="")
    assert "No RevenueCat API key is stored." in text_of(act(admin_client, url_of(row, "repair")))
    row.refresh_from_db()
    assert row.repaired_at is None and not LogEntry.objects.exists()


def test_it_takes_the_permission_to_change_projects(row: Discrepancy, sign_in: SignIn) -> None:
    client = sign_in("view_discrepancy")
    assert url_of(row, "repair") not in text_of(client.get(url_of(row)))
    assert act(client, url_of(row, "repair")).status_code == 403


def test_it_takes_a_member_of_the_project(row: Discrepancy, sign_in: SignIn) -> None:
    client = sign_in("view_discrepancy", "change_project")
    row.project.members.clear()
    assert act(client, url_of(row, "repair")).status_code in {403, 404}
    row.refresh_from_db()
    assert row.repaired_at is None


def test_the_list_says_how_to_repair_and_who_may(admin_client: Client, row: Discrepancy, sign_in: SignIn) -> None:
    said = html.unescape(text_of(admin_client.get(LIST)))
    assert "Open a discrepancy and press “Repair”" in said and "“Repair what differs”" in said
    said = html.unescape(text_of(sign_in("view_discrepancy").get(LIST)))
    assert "An Integration admin can repair" in said and "press “Repair”" not in said


def test_an_empty_list_says_nothing_of_repairing(admin_client: Client, project: Project) -> None:
    assert "press “Repair”" not in html.unescape(text_of(admin_client.get(LIST)))
