"""
A real worker process compares a project with RevenueCat and repairs what differs, while it sends what comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from integration.bells import ring, ring_reconcile
from integration.models import Discrepancy, Project, Reconciliation
from integration.models.secrets import Secret
from tests.factories import make_project, receive, refreshed
from tests.fake_intercom import FakeIntercom
from tests.fake_revenuecat import KEY, FakeRevenueCat, subscription
from tests.inquiry.helpers import told
from tests.processes import Child, child_env, until
from tests.test_worker import WORK, truncate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]


@pytest.fixture
def project(intercom: FakeIntercom, revenuecat: FakeRevenueCat, settings: Any) -> Iterator[Project]:
    """A project that can ask RevenueCat, and an engine without jobs."""
    truncate()
    settings.INTERCOM_API_URL = intercom.url
    yield make_project("Larkfield", revenuecat_api_key=Secret.of(KEY), revenuecat_project="1ab2c3d4")
    truncate()


def test_a_worker_repairs_what_differs_and_sends_what_comes_in_meanwhile(
    project: Project, intercom: FakeIntercom, revenuecat: FakeRevenueCat
) -> None:
    end = told(project, "user-1")
    revenuecat.add_customer("user-1", subscription(status="expired", ends_at=end))
    # So long an answer that something else comes in before it.
    revenuecat.hang(2)
    Reconciliation.begin(project, days=7, repair=True, now=timezone.now())
    with Child(["-c", WORK], child_env(INTERCOM_API_URL=intercom.url, REVENUECAT_API_URL=revenuecat.url)) as worker:
        worker.wait_for("worker ready")
        ring_reconcile(project.pk)
        until(lambda: bool(revenuecat.asked), "RevenueCat is asked")
        meanwhile = receive(project, app_user_id="user-2")
        ring(project.pk)
        until(lambda: refreshed(meanwhile).status == "delivered", "the other event is delivered")
        assert Reconciliation.objects.get().finished_at is None
        until(lambda: Reconciliation.objects.get().finished_at is not None, "the comparison is at its end")
        # What hung was answered with a list that is empty: left out, and found the next time.
        assert Reconciliation.objects.get().left_out == 1
        Reconciliation.begin(project, days=7, repair=True, now=timezone.now())
        ring_reconcile(project.pk)
        until(lambda: Discrepancy.objects.filter(repaired_at__isnull=False).exists(), "the difference is repaired")
        until(
            lambda: intercom.contact("user-1").custom_attributes["subscription_status"] == "expired", "Intercom is told"
        )
