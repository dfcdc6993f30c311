"""
Whatever is posted, the door never answers 500; and what it accepts is settled, whatever its fields hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integration.models import Delivery, DeliveryAttempt, Project, WebhookEvent
from tests.factories import AUTHORIZATION, make_project, raw, run_drain, webhook
from tests.fake_intercom import FakeIntercom

# Texts with what breaks things: NUL, half surrogate pairs, controls, the end of a page.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    ["\x00", "\ud800", "..", "/", "a/../b", "?", "#", "%2F", " ", "\u2028", "x" * 255, "x" * 256, "😀" * 130]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([0, -1, 10**18, 10**400, 253_402_300_799_999, 1e308, True])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(
    [
        *("INITIAL_PURCHASE", "RENEWAL", "CANCELLATION", "UNCANCELLATION", "NON_RENEWING_PURCHASE", "EXPIRATION"),
        *("BILLING_ISSUE", "PRODUCT_CHANGE", "SUBSCRIPTION_EXTENDED", "TRANSFER", "TEST", "SUBSCRIBER_ALIAS", "NEW"),
    ]
)
FIELDS = st.sampled_from(
    [name for name in webhook()["event"] if name not in ("id", "type")]
    + ["entitlement_id", "cancel_reason", "expiration_reason", "grace_period_expiration_at_ms", "new_product_id"]
    + ["is_trial_conversion", "subscriber_attributes", "purchase_environment"]
)
RUNS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
KNOWN = {200, 400, 413}


@pytest.fixture
def project(db: None) -> Project:
    """A project; each example is rolled back by itself."""
    return make_project()


@pytest.fixture(scope="module")
def workspace() -> Iterator[FakeIntercom]:
    """One stand-in for all examples."""
    with FakeIntercom() as running:
        yield running


def post(project: Project, body: bytes) -> int:
    """Post the bytes; an exception in the view is raised here."""
    path = f"/webhooks/revenuecat/{project.pk}/"
    response = Client().generic("POST", path, body, "application/json", headers={"Authorization": AUTHORIZATION})
    assert response.json()
    return int(response.status_code)


def stored_beside_a_good_event(project: Project, body: bytes) -> None:
    """The body is answered, and an event posted after it is stored."""
    with transaction.atomic():
        before = WebhookEvent.objects.count()
        status = post(project, body)
        assert status in KNOWN
        assert post(project, raw(webhook())) == 200
        assert WebhookEvent.objects.count() - before == (2 if status == 200 else 1)
        transaction.set_rollback(True)


@RUNS
@given(document=JSON | st.fixed_dictionaries({"event": JSON}))
@example(document={"event": {"id": "\x00", "type": "\ud800"}})
def test_any_json_is_answered_and_harms_no_other_event(project: Project, document: Any) -> None:
    stored_beside_a_good_event(project, json.dumps(document).encode())


@RUNS
@given(body=st.binary(min_size=1, max_size=200))
@example(body=b'{"event": {"id": "1", "type": "\\ud800"}')
@example(body=b"\x00")
def test_any_bytes_are_answered_and_harm_no_other_event(project: Project, body: bytes) -> None:
    stored_beside_a_good_event(project, body)


@RUNS
@given(body=st.binary(max_size=12), at=st.integers(min_value=0, max_value=300))
def test_a_good_event_with_any_bytes_in_the_middle_is_answered(project: Project, body: bytes, at: int) -> None:
    good = raw(webhook())
    stored_beside_a_good_event(project, good[:at] + body + good[at:])


@RUNS
@given(type_=TYPES, fields=st.dictionaries(FIELDS | TEXTS.filter(lambda name: name not in ("id", "type")), JSON))
@example(type_="RENEWAL", fields={"app_user_id": ".."})
@example(type_="RENEWAL", fields={"app_user_id": "."})
@example(type_="RENEWAL", fields={"app_user_id": "a/b?c#d%e f"})
@example(type_="RENEWAL", fields={"event_timestamp_ms": 0, "expiration_at_ms": 0})
@example(type_="CANCELLATION", fields={"cancel_reason": "x" * 400, "product_id": "\x00", "store": "ß" * 255})
def test_whatever_a_good_event_holds_it_is_accepted_and_settled(
    project: Project, workspace: FakeIntercom, settings: Any, type_: str, fields: dict[str, Any]
) -> None:
    settings.INTERCOM_API_URL = workspace.url
    workspace.reset()
    with transaction.atomic():
        assert post(project, json.dumps(webhook(type_, **fields)).encode()) == 200
        run_drain(project)
        row = Delivery.objects.get(project=project)
        attempts = list(DeliveryAttempt.objects.filter(delivery=row).values_list("error", "traceback"))
        assert row.status in ("delivered", "skipped"), attempts
        transaction.set_rollback(True)
