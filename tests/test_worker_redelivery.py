"""
A real worker process redelivers what a filter finds; one that is killed in the middle is taken over by the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration.models import BulkRedelivery, Delivery, Project
from integration.redelivering import ring_redelivery
from tests.factories import make_project, receive, run_drain
from tests.fake_intercom import FakeIntercom
from tests.models.test_redelivery import begin
from tests.processes import Child, child_env, until
from tests.test_worker import WORK, truncate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(90)]
SMALL = "import integration.redelivering as r; r.MOST_DUE = 3; r.BATCH = 2; r.go_on.__kwdefaults__['limit'] = 2; "


@pytest.fixture
def project(transactional_db: None, intercom: FakeIntercom, settings: Any) -> Iterator[Project]:
    """Twelve deliveries that were skipped because their event type was off, and is on now."""
    truncate()
    settings.INTERCOM_API_URL = intercom.url
    made = make_project("Larkfield")
    made.event_settings.create(event_type="renewal", enabled=False)
    Project.objects.update(sandbox="skip")
    for number in range(12):
        receive(made, app_user_id=f"user-{number}", environment="SANDBOX")
    run_drain(made)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"skipped"}
    Project.objects.update(sandbox="send")
    made.event_settings.all().delete()
    yield made
    truncate()


def test_a_killed_worker_is_taken_over_and_everything_is_sent_once(project: Project, intercom: FakeIntercom) -> None:
    run = begin(project)
    env = child_env(INTERCOM_API_URL=intercom.url)
    code = f"import django; django.setup(); {SMALL}from integration.worker import run_worker; run_worker()"
    with Child(["-c", code], env) as worker:
        worker.wait_for("worker ready")
        ring_redelivery(run.pk)
        until(lambda: BulkRedelivery.objects.get().redelivered >= 2, "it has begun")
        worker.kill()
    done = BulkRedelivery.objects.get()
    assert done.finished_at is None and done.redelivered < 12
    # A minute later: its lease is over, its job is put back or, as here, gone, and the tending rings.
    BulkRedelivery.objects.update(busy_until=timezone.now() - timedelta(seconds=1))
    truncate()
    with Child(["-c", WORK], env) as worker:
        worker.wait_for("worker ready")
        ring_redelivery(run.pk)
        until(lambda: BulkRedelivery.objects.get().finished_at is not None, "it is at its end")
        until(lambda: Delivery.objects.filter(status="delivered").count() == 12, "all are delivered")
    assert BulkRedelivery.objects.get().redelivered == 12
