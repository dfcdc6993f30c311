"""
Comparing customers with RevenueCat over real HTTP: what is listed, and what is left out.
"""

from __future__ import annotations

from datetime import timedelta

from integration.inquiry.comparing import Slice
from integration.models import Customer, Delivery, Discrepancy, Project
from tests.factories import DAY_MS, receive
from tests.fake_revenuecat import FakeRevenueCat, subscription
from tests.fake_revenuecat.objects import error
from tests.inquiry.helpers import begin, compare, counts, now_ms, told


def test_a_customer_of_whom_revenuecat_says_the_same_is_no_discrepancy(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(ends_at=end))
    run = begin(project)
    assert compare(run) == Slice(more=False)
    assert counts(run) == (1, 0, 0, 0) and run.finished_at is not None and run.problem == ""
    assert not Discrepancy.objects.exists()
    assert revenuecat.paths() == ["/v2/projects/proj1ab2c3d4/customers/user-1/subscriptions"]
    assert revenuecat.asked[0].query == {"environment": "production"}


def test_what_differs_is_listed_with_both_sides(project: Project, revenuecat: FakeRevenueCat) -> None:
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end - DAY_MS))
    run = begin(project)
    compare(run)
    row = Discrepancy.objects.get()
    assert (row.held_status, row.said_status) == ("active", "expired")
    assert row.held_expires_at and row.said_expires_at
    assert row.held_expires_at - row.said_expires_at == timedelta(days=1)
    assert row.customer == Customer.objects.get() and row.project == project
    assert row.repaired_at is None and row.agreed_at is None
    assert counts(run) == (1, 1, 0, 0)
    # Nothing is changed by looking.
    assert Customer.objects.get().known_state().attributes()["subscription_status"] == "active"
    assert Delivery.objects.get().status == "delivered"


def test_a_difference_that_lasts_stays_one_row_and_is_closed_when_it_is_gone(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    end = told(project, "user-1")
    for status in ("expired", "trialing"):
        revenuecat.add_customer("user-1", subscription(status=status, ends_at=end))
        compare(begin(project))
    row = Discrepancy.objects.get()
    assert row.said_status == "trial"
    revenuecat.add_customer("user-1", subscription(ends_at=end))
    compare(begin(project))
    row.refresh_from_db()
    assert row.agreed_at is not None and row.repaired_at is None
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    compare(begin(project))
    assert Discrepancy.objects.count() == 2 and Discrepancy.objects.open().count() == 1


def test_only_customers_with_an_event_in_the_last_days_are_asked_about(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    told(project, "new")
    told(project, "old", event_timestamp_ms=now_ms() - 8 * DAY_MS)
    compare(begin(project, days=7))
    assert [path.split("/")[5] for path in revenuecat.paths()] == ["new"]
    compare(begin(project, days=9))
    assert [path.split("/")[5] for path in revenuecat.paths()] == ["new", "new", "old"]


def test_whom_revenuecat_does_not_know_or_says_nothing_of_is_left_out(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    told(project, "unknown", "without", "odd", "refused")
    revenuecat.add_customer("without")
    revenuecat.add_customer("odd", subscription(status="incomplete"))
    revenuecat.fail(400, error("parameter_error", "id is too long"))
    run = begin(project)
    compare(run)
    assert counts(run) == (0, 0, 0, 4) and not Discrepancy.objects.exists()


def test_a_customer_for_whom_something_waits_is_left_out(project: Project, revenuecat: FakeRevenueCat) -> None:
    end = told(project, "user-1")
    receive(project, app_user_id="user-1", event_timestamp_ms=now_ms())
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    run = begin(project, repair=True)
    compare(run)
    assert counts(run) == (0, 0, 0, 1) and not Discrepancy.objects.exists()


def test_a_prepaid_plan_is_active_although_it_will_not_renew(project: Project, revenuecat: FakeRevenueCat) -> None:
    end = told(project, "prepaid", period_type="PREPAID")
    told(project, "normal", expiration_at_ms=end)
    for person in ("prepaid", "normal"):
        revenuecat.add_customer(person, subscription(auto_renewal_status="will_not_renew", ends_at=end))
    compare(begin(project))
    assert [row.customer.app_user_id for row in Discrepancy.objects.all()] == ["normal"]


def test_only_what_the_project_keeps_on_contacts_is_compared(project: Project, revenuecat: FakeRevenueCat) -> None:
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(ends_at=end + DAY_MS))
    Project.objects.update(contact_facts=["status"])
    compare(begin(project))
    assert not Discrepancy.objects.exists()
    Project.objects.update(contact_facts=["store"])
    run = begin(project)
    assert compare(run) == Slice(more=False)
    assert "there is nothing to compare" in run.problem and run.finished_at is None


def test_a_project_that_sends_sandbox_events_compares_sandbox_subscriptions_too(
    project: Project, revenuecat: FakeRevenueCat
) -> None:
    Project.objects.update(sandbox="send")
    told(project, "user-1")
    compare(begin(project))
    assert revenuecat.asked[0].query == {}
