"""
What the demo tells its stand-in for RevenueCat: all as it is kept here, but of one customer, whom a comparison finds.
"""

from __future__ import annotations

from typing import Any

from integration.inquiry.names import read_names
from integration.management.demo_revenuecat import ENTITLEMENTS, PRODUCTS, let_in, tell_of_customers
from integration.models import Discrepancy
from tests.factories import DAY_MS, make_project, run_drain
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import FakeRevenueCat
from tests.inquiry.helpers import begin, compare, counts, now_ms, told


def test_one_customer_differs_and_can_be_repaired(
    db: None, intercom: FakeIntercom, revenuecat: FakeRevenueCat, settings: Any
) -> None:
    settings.INTERCOM_API_URL, settings.REVENUECAT_API_URL = intercom.url, revenuecat.url
    project = make_project("Demo")
    stand_in = revenuecat.url.removesuffix("/v2")
    let_in(project, stand_in)
    assert read_names(project).read == len(PRODUCTS) + len(ENTITLEMENTS)
    # Not the first by name: nobody looks at whom nothing happened to lately.
    told(project, "a-long-ago", event_timestamp_ms=now_ms() - 30 * DAY_MS)
    told(project, "b-over", event_type="EXPIRATION")
    told(project, "c-lately", "d-lately")
    assert tell_of_customers(project, stand_in) == "c-lately"
    run = begin(project, repair=True)
    compare(run)
    assert counts(run) == (3, 1, 1, 0)
    assert Discrepancy.objects.get().customer.app_user_id == "c-lately"
    run_drain(project)
    assert intercom.contact("c-lately").custom_attributes["subscription_status"] == "expired"
