"""
Repairing what differs: the contact in Intercom ends up as RevenueCat says, and nothing is said twice.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from integration.inquiry.comparing import Slice
from integration.models import Customer, Delivery, Discrepancy, EventSetting, Project
from tests.factories import DAY_MS, receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import FakeRevenueCat, subscription
from tests.inquiry.helpers import begin, compare, counts, now_ms, told


def test_the_contact_ends_up_as_revenuecat_says(
    project: Project, intercom: FakeIntercom, revenuecat: FakeRevenueCat
) -> None:
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end - 20 * DAY_MS))
    run = begin(project, repair=True)
    assert compare(run) == Slice(more=False, must_ring=True)
    assert counts(run) == (1, 1, 1, 0)
    row = Discrepancy.objects.get()
    assert row.repaired_at is not None and row.held_status == "active" and row.said_status == "expired"
    run_drain(project)
    attributes = intercom.contact("user-1").custom_attributes
    assert attributes["subscription_status"] == "expired" and attributes["expires_at"] == (end - 20 * DAY_MS) // 1000
    assert attributes["latest_store"] == "APP_STORE"
    # Intercom has dropped the repeat of the data event.
    assert len(intercom.events_of("user-1")) == 1 and intercom.violations == []
    again = begin(project, repair=True)
    compare(again)
    assert counts(again) == (1, 0, 0, 0) and Discrepancy.objects.count() == 1


def test_a_newer_event_is_not_overruled_and_an_older_one_changes_nothing(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    compare(begin(project, repair=True))
    run_drain(project)
    late = now_ms() - 7_200_000
    receive(project, app_user_id="user-1", type="CANCELLATION", event_timestamp_ms=late, expiration_at_ms=end)
    run_drain(project)
    assert Customer.objects.get().known_state().attributes()["subscription_status"] == "expired"
    receive(project, app_user_id="user-1", event_timestamp_ms=now_ms() + 5000, expiration_at_ms=end)
    run_drain(project)
    assert Customer.objects.get().known_state().attributes()["subscription_status"] == "active"


def test_the_newest_delivery_that_told_intercom_is_owed_again_and_no_other(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    end = told(project, "user-1")
    newest = receive(project, app_user_id="user-1", event_timestamp_ms=now_ms(), expiration_at_ms=end)
    run_drain(project)
    skipped = receive(project, app_user_id="user-1", environment="SANDBOX")
    run_drain(project)
    other = receive(project, app_user_id="user-2", event_timestamp_ms=now_ms())
    run_drain(project)
    revenuecat.add_customer("user-1", subscription(status="trialing", ends_at=end))
    compare(begin(project, repair=True))
    assert refreshed(newest).status == "pending" and refreshed(newest).due_at is not None
    assert Delivery.objects.filter(status="pending").count() == 1
    assert refreshed(skipped).status == "skipped" and refreshed(other).status == "delivered"


def test_a_delivery_that_todays_settings_would_skip_is_not_the_one(
    project: Project, intercom: FakeIntercom, revenuecat: FakeRevenueCat
) -> None:
    setting = EventSetting.objects.create(project=project, event_type="invoice_issuance", enabled=True)
    end = told(project, "user-1")
    invoice = receive(project, app_user_id="user-1", type="INVOICE_ISSUANCE", event_timestamp_ms=now_ms())
    run_drain(project)
    assert refreshed(invoice).status == "delivered"
    setting.delete()
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    compare(begin(project, repair=True))
    run_drain(project)
    assert refreshed(invoice).status == "delivered" and Discrepancy.objects.get().repaired_at is not None
    assert intercom.contact("user-1").custom_attributes["subscription_status"] == "expired"


def test_a_contact_that_goes_by_another_id_is_asked_about_by_revenuecats(
    project: Project, intercom: FakeIntercom, revenuecat: FakeRevenueCat
) -> None:
    Project.objects.update(identity=["attribute:member", "app_user_id"])
    end = told(project, "user-1", subscriber_attributes={"member": {"value": "m-7"}})
    assert Customer.objects.get(app_user_id="m-7").state
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    compare(begin(project, repair=True))
    run_drain(project)
    assert revenuecat.paths() == ["/v2/projects/proj1ab2c3d4/customers/user-1/subscriptions"]
    assert intercom.contact("m-7").custom_attributes["subscription_status"] == "expired"


def test_without_a_delivery_to_send_again_the_difference_stays_open(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    end = told(project, "user-1")
    Delivery.objects.all().delete()
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    run = begin(project, repair=True)
    assert compare(run) == Slice(more=False)
    assert counts(run) == (1, 1, 0, 0) and Discrepancy.objects.open().count() == 1
    assert Customer.objects.get().known_state().attributes()["subscription_status"] == "active"


def test_a_customer_for_whom_somebody_is_sending_is_left_out(project: Project, revenuecat: FakeRevenueCat) -> None:
    end = told(project, "user-1")
    Customer.objects.update(busy_until=timezone.now() + timedelta(seconds=30))
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    run = begin(project, repair=True)
    compare(run)
    assert counts(run) == (0, 0, 0, 1)


def test_running_totals_are_not_counted_again(project: Project, revenuecat: FakeRevenueCat) -> None:
    Project.objects.update(money="gross", lifetime_totals=True)
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    compare(begin(project, repair=True))
    run_drain(project)
    assert Customer.objects.get().purchases == 1
