"""
One delivery, one row or one answer that is broken must not stop the others.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integration.models import Customer, Delivery, DeliveryAttempt, Project, WebhookEvent
from integration.retry import SCHEDULE
from tests.factories import TOKEN, Clock, raw, receive, refreshed, run_drain, webhook
from tests.fake_intercom import FakeIntercom, faults
from tests.fake_intercom.faults import Fault
from tests.fake_intercom.messages import HTML_TYPE, Answer


def insert(project: Project, payload: Any, app_user_id: str = "user-9") -> Delivery:
    """A row as no door would write it, received before everything else."""
    now = timezone.now() - timedelta(minutes=1)
    event = WebhookEvent.objects.create(
        project=project, event_id="broken", type="RENEWAL", app_user_id=app_user_id, payload=payload, received_at=now
    )
    return Delivery.objects.create(
        project=project, webhook_event=event, app_user_id=app_user_id, due_at=now, created_at=now
    )


@pytest.mark.parametrize("payload", [{}, {"event": None}, {"event": []}, [], "text", 7])
def test_a_row_that_cannot_be_read_is_logged_with_its_traceback_and_stops_nobody(
    project: Project, intercom: FakeIntercom, clock: Clock, payload: Any
) -> None:
    broken = insert(project, payload)
    good = receive(project)
    run_drain(project, clock)
    assert refreshed(good).status == "delivered"
    row = refreshed(broken)
    assert (row.status, row.tries, row.due_at) == ("pending", 1, clock.time + SCHEDULE[0])
    assert row.explanation.startswith("Unexpected error: ")
    attempt = DeliveryAttempt.objects.get(delivery=broken)
    assert attempt.outcome == "crashed" and attempt.finished_at is not None
    assert "Traceback" in attempt.traceback and "events.py" in attempt.traceback
    while refreshed(broken).status == "pending":
        clock.advance(days=1)
        run_drain(project, clock)
    assert refreshed(broken).explanation.startswith("Gave up after 11 tries. Unexpected error")


def test_a_row_whose_customer_is_not_the_payloads_stops_nobody(project: Project, intercom: FakeIntercom) -> None:
    broken = insert(project, webhook(app_user_id="somebody-else"), app_user_id="")
    good = receive(project)
    run_drain(project)
    assert refreshed(good).status == "delivered"
    assert refreshed(broken).status in ("pending", "delivered")


@pytest.mark.parametrize("state", [{"subscription_status": {}}, {"subscription_status": "active"}, [], "text"])
def test_a_customer_whose_state_cannot_be_read_stops_nobody(
    project: Project, intercom: FakeIntercom, state: Any
) -> None:
    Customer.objects.create(project=project, app_user_id="user-9", state=state)
    broken = receive(project, app_user_id="user-9")
    good = receive(project)
    run_drain(project)
    assert refreshed(good).status == "delivered"
    row = refreshed(broken)
    assert row.status == "pending" and row.tries == 1 and "Unexpected error" in row.explanation
    assert "Traceback" in DeliveryAttempt.objects.get(delivery=broken).traceback


def answering(body: bytes, status: int = 200, content_type: str = "application/json") -> Fault:
    """The stand-in answers with just these bytes."""
    return Fault("odd answer", answer=Answer(status, body, content_type))


ODD_BODIES = {
    "NUL in HTML": (b"<html>\x00</html>", HTML_TYPE),
    "NUL in a message": (b'{"errors": [{"code": "x", "message": "a\\u0000b"}]}', "application/json"),
    "half a surrogate pair": (b'{"errors": [{"code": "x", "message": "a\\ud800b"}]}', "application/json"),
    "backslash and u0000": (b'{"errors": [{"code": "x", "message": "a\\\\u0000b"}]}', "application/json"),
    "not a number": (b'{"price": NaN, "errors": []}', "application/json"),
    "infinite": (b'{"price": 1e999, "errors": []}', "application/json"),
    "a number of 5,000 digits": (b'{"price": ' + b"9" * 5000 + b"}", "application/json"),
    "900 levels deep": (b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}", "application/json"),
    "5,000 levels deep": (b"[" * 5000 + b"]" * 5000, "application/json"),
    "invalid UTF-8": (b'{"a": "\xff\xfe"}', "application/json"),
    "a list": (b"[1, 2]", "application/json"),
    "odd errors": (b'{"errors": [7, null, {"code": {"a": 1}, "message": [1]}]}', "application/json"),
    "an id that is none": (b'{"id": 7}', "application/json"),
    "an endless id": (b'{"id": "' + b"f" * 300 + b'"}', "application/json"),
    "an id with a NUL": (b'{"id": "a\\u0000b"}', "application/json"),
    "too large": (b"x" * 600_000, HTML_TYPE),
    "an endless request id": (b'{"request_id": "' + b"r" * 9000 + b'", "errors": []}', "application/json"),
}


@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 410, 500])
def test_no_answer_can_stop_the_others(project: Project, intercom: FakeIntercom, clock: Clock, status: int) -> None:
    deliveries: dict[str, Delivery] = {}
    for number, (name, (body, content_type)) in enumerate(ODD_BODIES.items()):
        customer = f"odd-{number}"
        deliveries[name] = receive(project, app_user_id=customer)
        intercom.inject(
            answering(body, status, content_type), times=1, path=f"/contacts/find_by_external_id/{customer}"
        )
    good = receive(project)
    for _ in range(40):
        run_drain(project, clock)
        project.refresh_from_db()
        project.resume()
        clock.advance(minutes=3)
        if not Delivery.objects.filter(status="pending").exists():
            break
    assert refreshed(good).status == "delivered"
    stuck = {name for name, row in deliveries.items() if refreshed(row).status == "pending"}
    assert not stuck
    crashed = DeliveryAttempt.objects.filter(outcome__in=("crashed", "interrupted", ""))
    assert not crashed.exists(), list(crashed.values_list("error", "traceback"))[:1]


def test_an_answer_that_names_the_token_leaves_no_trace_of_it(
    project: Project, intercom: FakeIntercom, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries = [receive(project, app_user_id=f"user-{number}") for number in range(4)]
    body = json.dumps({"errors": [{"code": "x", "message": f"Token {TOKEN} is no good"}]})
    escaped = body.replace("dG9r", "\\u0064\\u00479r")
    answers = [
        answering(body.encode(), 400),
        answering(escaped.encode(), 400),
        answering(b"x" * 16_360 + TOKEN.encode() * 2, 500, HTML_TYPE),
        faults.error(401, message=f"no such token: Bearer {TOKEN}"),
    ]
    for number, answer in enumerate(answers):
        intercom.inject(answer, path=f"/contacts/find_by_external_id/user-{number}")
    run_drain(project)
    project.refresh_from_db()
    kept = [
        project.hold_reason,
        str(list(DeliveryAttempt.objects.values())),
        str(list(Delivery.objects.values())),
        caplog.text,
    ]
    assert len(DeliveryAttempt.objects.all()) == len(deliveries)
    for text in kept:
        assert TOKEN not in text
        assert TOKEN[:12] not in text
    assert raw(webhook())
