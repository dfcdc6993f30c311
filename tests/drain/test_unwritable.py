"""
A result that the database refuses must not take the others of its batch with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from integration.drain.attempt import Attempted
from integration.drain.claim import claim
from integration.drain.settle import settle
from integration.intercom.contacts import Contact
from integration.intercom.errors import CredentialsError
from integration.models import Customer, Delivery, DeliveryAttempt, Project
from integration.models.attempts import AttemptLog
from integration.retry import SCHEDULE, Delivered
from tests.factories import receive, refreshed, run_drain
from tests.fake_intercom import FakeIntercom
from tests.fake_intercom.faults import Fault
from tests.fake_intercom.messages import Answer


def test_a_nul_in_the_headers_of_an_answer_is_shown_and_stops_nobody(project: Project, intercom: FakeIntercom) -> None:
    odd = receive(project, app_user_id="odd")
    others = [receive(project, app_user_id=f"user-{number}") for number in range(5)]
    headers = {"X-Request-Id": "a\x00b", "X-RateLimit-Limit": "1\x002"}
    answer = Fault("odd headers", answer=Answer(200, b'{"id": "5f", "type": "contact"}', headers=headers))
    intercom.inject(answer, path="/contacts/find_by_external_id/odd")
    run_drain(project)
    assert {refreshed(row).status for row in others} == {"delivered"}
    exchange = DeliveryAttempt.objects.get(delivery=odd).exchanges[0]
    assert exchange["request_id"] == "a␀b" and exchange["headers"]["x-ratelimit-limit"] == "1␀2"


def tries(project: Project, count: int) -> list[Attempted]:
    """Claimed deliveries, each of them delivered; not settled yet."""
    for number in range(count):
        receive(project, app_user_id=f"user-{number}")
    now = timezone.now() + timedelta(seconds=1)
    with transaction.atomic():
        claimed = claim(project, limit=count, busy=[], now=now, lease=now + timedelta(seconds=45), chance=lambda: 0.0)
    return [
        Attempted(
            claim=work.claim,
            outcome=Delivered(),
            contact=Contact("5f", told={"latest_store": "x"}),
            log=AttemptLog(finished_at=now, exchanges=[{"path": "/me", "milliseconds": 1}]),
            token_since=project.intercom_token_changed_at,
        )
        for work in claimed.works
    ]


def with_exchange(exchange: Any) -> Callable[[Attempted], Attempted]:
    """A try whose log holds this."""
    return lambda one: replace(one, log=replace(one.log, exchanges=[exchange]))


BAD = {
    "a NUL": with_exchange({"error": "a\x00b"}),
    "half a surrogate pair": with_exchange({"error": "a\ud800b"}),
    "no JSON": with_exchange({"error": object()}),
    "a contact's id with a NUL": lambda one: replace(one, contact=Contact("a\x00b")),
    "a contact's endless id": lambda one: replace(one, contact=Contact("f" * 200)),
    "a refusal with a NUL": lambda one: replace(one, outcome=CredentialsError("Refused: a\x00b.", reason="Refused.")),
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_what_the_database_refuses_is_settled_as_a_crash_and_the_others_as_what_they_are(
    project: Project, caplog: pytest.LogCaptureFixture, spoil: Callable[[Attempted], Attempted]
) -> None:
    first, bad, last = tries(project, 3)
    now = timezone.now() + timedelta(seconds=2)
    settle(project, [first, spoil(bad), last], now=now, chance=lambda: 0.0)
    assert [refreshed(one.claim.delivery).status for one in (first, last)] == ["delivered"] * 2
    row = refreshed(bad.claim.delivery)
    assert (row.status, row.tries, row.finished_at, row.due_at) == ("pending", 1, None, now + SCHEDULE[0])
    assert row.explanation.startswith("What came of it could not be written down (")
    attempt = DeliveryAttempt.objects.get(delivery=row)
    assert attempt.outcome == "crashed" and "Traceback" in attempt.traceback and attempt.finished_at is not None
    customers = {one.app_user_id: one for one in Customer.objects.all()}
    assert {one.busy_until for one in customers.values()} == {None}
    assert [customers[f"user-{number}"].contact_id for number in range(3)] == ["5f", "", "5f"]
    project.refresh_from_db()
    assert project.held_at is None
    assert "written one by one" in caplog.text and "␀" not in caplog.text
    assert Delivery.objects.filter(status="delivered").count() == 2
